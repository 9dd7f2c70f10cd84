//! Keys: where root keys are kept, and how data keys are wrapped.
