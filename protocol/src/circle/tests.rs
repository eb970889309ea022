//! Small worlds, all of them: a model checker walks every state that the pure functions can come to.

mod charters;
mod epochs;
