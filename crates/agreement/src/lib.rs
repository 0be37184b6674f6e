//! Information-sharing agreements and agency files as data, and the pure decision whether a record may leave
