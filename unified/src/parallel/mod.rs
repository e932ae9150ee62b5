//! Threads and what they share.

pub(crate) mod ahead;
pub(crate) mod flow;
pub(crate) mod in_turn;
pub(crate) mod lock;
pub(crate) mod side_by_side;
pub(crate) mod workers;
