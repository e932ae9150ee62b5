//! The unified writers.
