"""What models are trained on: arrays or streams, as groups of batches on the device."""
