//! Generated wire code of `causeway.v1`, its descriptor set, and that of `causeway.node.v1`, nothing else.
//!
//! In scope: messages, clients and server traits as the generator writes them, and that messages with keys in them print nothing and are
//! wiped. Out of scope: everything that means
//! something; conversions to and from the model live in `gateway`.

/// The package `causeway.v1`: messages, clients and server traits, documented in `proto/causeway/v1`.
#[expect(
    clippy::allow_attributes_without_reason,
    clippy::disallowed_methods,
    clippy::large_enum_variant,
    reason = "the generator writes allowances without a reason, makes a Status itself and boxes nothing; this code is not ours to edit"
)]
pub mod v1 {
    tonic::include_proto!("causeway.v1");
}

/// The package `causeway.node.v1`: what the nodes of a cluster say to each other, documented in `proto/causeway/node/v1`.
#[expect(
    clippy::allow_attributes_without_reason,
    clippy::disallowed_methods,
    reason = "the generator writes allowances without a reason and makes a Status itself; this code is not ours to edit"
)]
pub mod node_v1 {
    tonic::include_proto!("causeway.node.v1");

    macro_rules! prints_no_key {
        ($($message:ident),+) => {$(
            impl std::fmt::Debug for $message {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(concat!(stringify!($message), "(..)"))
                }
            }
        )+};
    }
    prints_no_key!(PageKey, PutKeysRequest, FetchKeysResponse);

    impl Drop for PageKey {
        fn drop(&mut self) {
            zeroize::Zeroize::zeroize(&mut self.key);
        }
    }
}

/// The serialised `google.protobuf.FileDescriptorSet` of `causeway.v1`: what reflection serves and what the gateway
/// compares its table of roles with.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
