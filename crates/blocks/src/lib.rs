//! The block engine: write layers, sealed trees, packs and captures.
