//! The suite that drives a real gateway.
