"""Sounds as frequencies over time.

short_time_spectrogram  Fourier transforms of windows, by a convolution whose kernels can be learned
mel_spectrogram         the loudness of bands as people hear them
"""
