"""Floor 4: layers, thin builders of graph nodes under Keras's names."""

from graphc.layers.activations.activation import Activation as Activation
from graphc.layers.activations.rectifiers import ELU as ELU
from graphc.layers.activations.rectifiers import LeakyReLU as LeakyReLU
from graphc.layers.activations.rectifiers import PReLU as PReLU
from graphc.layers.activations.rectifiers import ReLU as ReLU
from graphc.layers.activations.softmax import Softmax as Softmax
from graphc.layers.dense import Dense as Dense
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
from graphc.layers.preprocessing.categories import CategoryEncoding as CategoryEncoding
from graphc.layers.preprocessing.categories import Discretization as Discretization
from graphc.layers.preprocessing.images import CenterCrop as CenterCrop
from graphc.layers.preprocessing.images import RandomBrightness as RandomBrightness
from graphc.layers.preprocessing.images import RandomContrast as RandomContrast
from graphc.layers.preprocessing.images import RandomFlip as RandomFlip
from graphc.layers.preprocessing.images import Resizing as Resizing
from graphc.layers.preprocessing.scaling import Normalization as Normalization
from graphc.layers.preprocessing.scaling import Rescaling as Rescaling
from graphc.layers.projections.einsum_dense import EinsumDense as EinsumDense
from graphc.layers.projections.embedding import Embedding as Embedding
from graphc.layers.projections.embedding import ReversibleEmbedding as ReversibleEmbedding
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
