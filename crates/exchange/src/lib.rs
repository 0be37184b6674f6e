//! The use cases: submit, release, pull, acknowledge, query
