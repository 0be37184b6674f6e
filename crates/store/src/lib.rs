//! FrameLog on sled, the sequencer, key pages: the only crate that knows sled
