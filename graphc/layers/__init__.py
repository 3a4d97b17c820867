"""Floor 4: layers, thin builders of graph nodes under Keras's names."""

import sys
from typing import TYPE_CHECKING, Any

from graphc.layers.activations.activation import Activation as Activation
from graphc.layers.activations.rectifiers import ELU as ELU
from graphc.layers.activations.rectifiers import LeakyReLU as LeakyReLU
from graphc.layers.activations.rectifiers import PReLU as PReLU
from graphc.layers.activations.rectifiers import ReLU as ReLU
from graphc.layers.activations.softmax import Softmax as Softmax
from graphc.layers.attention import AdditiveAttention as AdditiveAttention
from graphc.layers.attention import Attention as Attention
from graphc.layers.attention import GroupedQueryAttention as GroupedQueryAttention
from graphc.layers.attention import GroupQueryAttention as GroupQueryAttention
from graphc.layers.attention import MultiHeadAttention as MultiHeadAttention
from graphc.layers.convolution import Conv1D as Conv1D
from graphc.layers.convolution import Conv1DTranspose as Conv1DTranspose
from graphc.layers.convolution import Conv2D as Conv2D
from graphc.layers.convolution import Conv2DTranspose as Conv2DTranspose
from graphc.layers.convolution import Conv3D as Conv3D
from graphc.layers.convolution import Conv3DTranspose as Conv3DTranspose
from graphc.layers.convolution import Convolution1D as Convolution1D
from graphc.layers.convolution import Convolution1DTranspose as Convolution1DTranspose
from graphc.layers.convolution import Convolution2D as Convolution2D
from graphc.layers.convolution import Convolution2DTranspose as Convolution2DTranspose
from graphc.layers.convolution import Convolution3D as Convolution3D
from graphc.layers.convolution import Convolution3DTranspose as Convolution3DTranspose
from graphc.layers.convolution import DepthwiseConv1D as DepthwiseConv1D
from graphc.layers.convolution import DepthwiseConv2D as DepthwiseConv2D
from graphc.layers.convolution import SeparableConv1D as SeparableConv1D
from graphc.layers.convolution import SeparableConv2D as SeparableConv2D
from graphc.layers.convolution import SeparableConvolution1D as SeparableConvolution1D
from graphc.layers.convolution import SeparableConvolution2D as SeparableConvolution2D
from graphc.layers.densely_connected import Dense as Dense
from graphc.layers.foreign.flax_layer import FlaxLayer as FlaxLayer
from graphc.layers.foreign.jax_layer import JaxLayer as JaxLayer
from graphc.layers.foreign.refused import TFSMLayer as TFSMLayer
from graphc.layers.foreign.refused import TorchModuleWrapper as TorchModuleWrapper
from graphc.layers.input_layer import Input as Input
from graphc.layers.input_layer import InputLayer as InputLayer
from graphc.layers.input_spec import InputSpec as InputSpec
from graphc.layers.layer import Layer as Layer
from graphc.layers.merging.elementwise import Add as Add
from graphc.layers.merging.elementwise import Average as Average
from graphc.layers.merging.elementwise import Maximum as Maximum
from graphc.layers.merging.elementwise import Minimum as Minimum
from graphc.layers.merging.elementwise import Multiply as Multiply
from graphc.layers.merging.elementwise import Subtract as Subtract
from graphc.layers.merging.functions import add as add
from graphc.layers.merging.functions import average as average
from graphc.layers.merging.functions import concatenate as concatenate
from graphc.layers.merging.functions import dot as dot
from graphc.layers.merging.functions import maximum as maximum
from graphc.layers.merging.functions import minimum as minimum
from graphc.layers.merging.functions import multiply as multiply
from graphc.layers.merging.functions import subtract as subtract
from graphc.layers.merging.joining import Concatenate as Concatenate
from graphc.layers.merging.joining import Dot as Dot
from graphc.layers.normalization.batch_normalization import BatchNormalization as BatchNormalization
from graphc.layers.normalization.feature_normalization import (
    GroupNormalization as GroupNormalization,
)
from graphc.layers.normalization.feature_normalization import (
    LayerNormalization as LayerNormalization,
)
from graphc.layers.normalization.feature_normalization import RMSNormalization as RMSNormalization
from graphc.layers.normalization.feature_normalization import UnitNormalization as UnitNormalization
from graphc.layers.normalization.spectral_normalization import (
    SpectralNormalization as SpectralNormalization,
)
from graphc.layers.pooling import AdaptiveAveragePooling1D as AdaptiveAveragePooling1D
from graphc.layers.pooling import AdaptiveAveragePooling2D as AdaptiveAveragePooling2D
from graphc.layers.pooling import AdaptiveAveragePooling3D as AdaptiveAveragePooling3D
from graphc.layers.pooling import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from graphc.layers.pooling import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from graphc.layers.pooling import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from graphc.layers.pooling import AveragePooling1D as AveragePooling1D
from graphc.layers.pooling import AveragePooling2D as AveragePooling2D
from graphc.layers.pooling import AveragePooling3D as AveragePooling3D
from graphc.layers.pooling import AvgPool1D as AvgPool1D
from graphc.layers.pooling import AvgPool2D as AvgPool2D
from graphc.layers.pooling import AvgPool3D as AvgPool3D
from graphc.layers.pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from graphc.layers.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from graphc.layers.pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
from graphc.layers.pooling import GlobalAvgPool1D as GlobalAvgPool1D
from graphc.layers.pooling import GlobalAvgPool2D as GlobalAvgPool2D
from graphc.layers.pooling import GlobalAvgPool3D as GlobalAvgPool3D
from graphc.layers.pooling import GlobalMaxPool1D as GlobalMaxPool1D
from graphc.layers.pooling import GlobalMaxPool2D as GlobalMaxPool2D
from graphc.layers.pooling import GlobalMaxPool3D as GlobalMaxPool3D
from graphc.layers.pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from graphc.layers.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from graphc.layers.pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
from graphc.layers.pooling import MaxPool1D as MaxPool1D
from graphc.layers.pooling import MaxPool2D as MaxPool2D
from graphc.layers.pooling import MaxPool3D as MaxPool3D
from graphc.layers.pooling import MaxPooling1D as MaxPooling1D
from graphc.layers.pooling import MaxPooling2D as MaxPooling2D
from graphc.layers.pooling import MaxPooling3D as MaxPooling3D
from graphc.layers.preprocessing.images import AugMix as AugMix
from graphc.layers.preprocessing.images import AutoContrast as AutoContrast
from graphc.layers.preprocessing.images import CenterCrop as CenterCrop
from graphc.layers.preprocessing.images import (
    ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
)
from graphc.layers.preprocessing.images import CutMix as CutMix
from graphc.layers.preprocessing.images import Equalization as Equalization
from graphc.layers.preprocessing.images import MixUp as MixUp
from graphc.layers.preprocessing.images import Pipeline as Pipeline
from graphc.layers.preprocessing.images import RandAugment as RandAugment
from graphc.layers.preprocessing.images import RandomBrightness as RandomBrightness
from graphc.layers.preprocessing.images import RandomColorDegeneration as RandomColorDegeneration
from graphc.layers.preprocessing.images import RandomColorJitter as RandomColorJitter
from graphc.layers.preprocessing.images import RandomContrast as RandomContrast
from graphc.layers.preprocessing.images import RandomCrop as RandomCrop
from graphc.layers.preprocessing.images import RandomElasticTransform as RandomElasticTransform
from graphc.layers.preprocessing.images import RandomErasing as RandomErasing
from graphc.layers.preprocessing.images import RandomFlip as RandomFlip
from graphc.layers.preprocessing.images import RandomGaussianBlur as RandomGaussianBlur
from graphc.layers.preprocessing.images import RandomGrayscale as RandomGrayscale
from graphc.layers.preprocessing.images import RandomHue as RandomHue
from graphc.layers.preprocessing.images import RandomInvert as RandomInvert
from graphc.layers.preprocessing.images import RandomPerspective as RandomPerspective
from graphc.layers.preprocessing.images import RandomPosterization as RandomPosterization
from graphc.layers.preprocessing.images import RandomRotation as RandomRotation
from graphc.layers.preprocessing.images import RandomSaturation as RandomSaturation
from graphc.layers.preprocessing.images import RandomSharpness as RandomSharpness
from graphc.layers.preprocessing.images import RandomShear as RandomShear
from graphc.layers.preprocessing.images import RandomTranslation as RandomTranslation
from graphc.layers.preprocessing.images import RandomZoom as RandomZoom
from graphc.layers.preprocessing.images import Resizing as Resizing
from graphc.layers.preprocessing.images import Solarization as Solarization
from graphc.layers.preprocessing.numbers.categories import CategoryEncoding as CategoryEncoding
from graphc.layers.preprocessing.numbers.categories import Discretization as Discretization
from graphc.layers.preprocessing.numbers.scaling import Normalization as Normalization
from graphc.layers.preprocessing.numbers.scaling import Rescaling as Rescaling
from graphc.layers.preprocessing.sounds.mel_spectrogram import MelSpectrogram as MelSpectrogram
from graphc.layers.preprocessing.sounds.short_time_spectrogram import (
    STFTSpectrogram as STFTSpectrogram,
)
from graphc.layers.preprocessing.text.hashing import HashedCrossing as HashedCrossing
from graphc.layers.preprocessing.text.hashing import Hashing as Hashing
from graphc.layers.preprocessing.text.integer_lookup import IntegerLookup as IntegerLookup
from graphc.layers.preprocessing.text.string_lookup import StringLookup as StringLookup
from graphc.layers.preprocessing.text.text_vectorization import (
    TextVectorization as TextVectorization,
)
from graphc.layers.projections.einsum_dense import EinsumDense as EinsumDense
from graphc.layers.projections.embedding import Embedding as Embedding
from graphc.layers.projections.embedding import ReversibleEmbedding as ReversibleEmbedding
from graphc.layers.recurrent.bidirectional import Bidirectional as Bidirectional
from graphc.layers.recurrent.conv_lstm import ConvLSTM1D as ConvLSTM1D
from graphc.layers.recurrent.conv_lstm import ConvLSTM2D as ConvLSTM2D
from graphc.layers.recurrent.conv_lstm import ConvLSTM3D as ConvLSTM3D
from graphc.layers.recurrent.gru import GRU as GRU
from graphc.layers.recurrent.gru import GRUCell as GRUCell
from graphc.layers.recurrent.lstm import LSTM as LSTM
from graphc.layers.recurrent.lstm import LSTMCell as LSTMCell
from graphc.layers.recurrent.rnn import RNN as RNN
from graphc.layers.recurrent.simple_rnn import SimpleRNN as SimpleRNN
from graphc.layers.recurrent.simple_rnn import SimpleRNNCell as SimpleRNNCell
from graphc.layers.recurrent.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
from graphc.layers.recurrent.time_distributed import TimeDistributed as TimeDistributed
from graphc.layers.regularization.dropout import AlphaDropout as AlphaDropout
from graphc.layers.regularization.dropout import Dropout as Dropout
from graphc.layers.regularization.dropout import SpatialDropout1D as SpatialDropout1D
from graphc.layers.regularization.dropout import SpatialDropout2D as SpatialDropout2D
from graphc.layers.regularization.dropout import SpatialDropout3D as SpatialDropout3D
from graphc.layers.regularization.noise import ActivityRegularization as ActivityRegularization
from graphc.layers.regularization.noise import GaussianDropout as GaussianDropout
from graphc.layers.regularization.noise import GaussianNoise as GaussianNoise
from graphc.layers.reshaping.cropping import Cropping1D as Cropping1D
from graphc.layers.reshaping.cropping import Cropping2D as Cropping2D
from graphc.layers.reshaping.cropping import Cropping3D as Cropping3D
from graphc.layers.reshaping.shapes import Flatten as Flatten
from graphc.layers.reshaping.shapes import Permute as Permute
from graphc.layers.reshaping.shapes import RepeatVector as RepeatVector
from graphc.layers.reshaping.shapes import Reshape as Reshape
from graphc.layers.reshaping.up_sampling import UpSampling1D as UpSampling1D
from graphc.layers.reshaping.up_sampling import UpSampling2D as UpSampling2D
from graphc.layers.reshaping.up_sampling import UpSampling3D as UpSampling3D
from graphc.layers.reshaping.zero_padding import ZeroPadding1D as ZeroPadding1D
from graphc.layers.reshaping.zero_padding import ZeroPadding2D as ZeroPadding2D
from graphc.layers.reshaping.zero_padding import ZeroPadding3D as ZeroPadding3D
from graphc.layers.serialization import deserialize as deserialize
from graphc.layers.serialization import serialize as serialize
from graphc.layers.structure.identity import Identity as Identity
from graphc.layers.structure.lambda_layer import Lambda as Lambda
from graphc.layers.structure.masking import Masking as Masking
from graphc.layers.structure.wrapper import Wrapper as Wrapper
from graphc.missing_names import missing_name

if not TYPE_CHECKING:  # or else no misspelt name would be found

    def __getattr__(name: str) -> Any:
        raise missing_name(sys.modules[__name__], name)
