//! Generated wire code of causeway.v1 and its descriptor set, nothing else
