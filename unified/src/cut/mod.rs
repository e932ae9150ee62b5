//! Where one output file ends and the next begins: by size, by hour, by group.

pub(crate) mod calendar;
pub(crate) mod given_back;
pub(crate) mod group;
pub(crate) mod queue;
pub(crate) mod remaining;
pub(crate) mod size;
