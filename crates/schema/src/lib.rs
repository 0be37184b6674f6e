//! The common schema: validation, splitting a document by class, the classified body
