//! Generated wire code of `causeway.v1` and its descriptor set, nothing else.
//!
//! In scope: messages, clients and server traits as the generator writes them. Out of scope: everything that means
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

/// The serialised `google.protobuf.FileDescriptorSet` of `causeway.v1`: what reflection serves and what the gateway
/// compares its table of roles with.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
