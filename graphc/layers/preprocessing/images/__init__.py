"""Images in other sizes, and images drawn from those that there are.

image_layer     what all share: one image or a batch, labels and masks beside it, draws
limits          what is drawn between, and the values of pixels
sizes           resized, or a part: Resizing, CenterCrop, RandomCrop
places          pixels that move: flips, rotations, zooms, translations, shears, perspectives
colors          brightness, contrast, saturation, hue, grays
tones           pixel by pixel: inverted, with fewer bits, solarized, equalized
local_contrast  equalized tile by tile
areas           blurred, sharpened, erased, bent
mixing          images of a batch mixed with each other: MixUp, CutMix
chains          layers made of others: RandAugment, AugMix, Pipeline
"""

from graphc.layers.preprocessing.images.areas import (
    RandomElasticTransform as RandomElasticTransform,
)
from graphc.layers.preprocessing.images.areas import RandomErasing as RandomErasing
from graphc.layers.preprocessing.images.areas import RandomGaussianBlur as RandomGaussianBlur
from graphc.layers.preprocessing.images.areas import RandomSharpness as RandomSharpness
from graphc.layers.preprocessing.images.chains import AugMix as AugMix
from graphc.layers.preprocessing.images.chains import Pipeline as Pipeline
from graphc.layers.preprocessing.images.chains import RandAugment as RandAugment
from graphc.layers.preprocessing.images.colors import RandomBrightness as RandomBrightness
from graphc.layers.preprocessing.images.colors import (
    RandomColorDegeneration as RandomColorDegeneration,
)
from graphc.layers.preprocessing.images.colors import RandomColorJitter as RandomColorJitter
from graphc.layers.preprocessing.images.colors import RandomContrast as RandomContrast
from graphc.layers.preprocessing.images.colors import RandomGrayscale as RandomGrayscale
from graphc.layers.preprocessing.images.colors import RandomHue as RandomHue
from graphc.layers.preprocessing.images.colors import RandomSaturation as RandomSaturation
from graphc.layers.preprocessing.images.local_contrast import (
    ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
)
from graphc.layers.preprocessing.images.mixing import CutMix as CutMix
from graphc.layers.preprocessing.images.mixing import MixUp as MixUp
from graphc.layers.preprocessing.images.places import RandomFlip as RandomFlip
from graphc.layers.preprocessing.images.places import RandomPerspective as RandomPerspective
from graphc.layers.preprocessing.images.places import RandomRotation as RandomRotation
from graphc.layers.preprocessing.images.places import RandomShear as RandomShear
from graphc.layers.preprocessing.images.places import RandomTranslation as RandomTranslation
from graphc.layers.preprocessing.images.places import RandomZoom as RandomZoom
from graphc.layers.preprocessing.images.sizes import CenterCrop as CenterCrop
from graphc.layers.preprocessing.images.sizes import RandomCrop as RandomCrop
from graphc.layers.preprocessing.images.sizes import Resizing as Resizing
from graphc.layers.preprocessing.images.tones import AutoContrast as AutoContrast
from graphc.layers.preprocessing.images.tones import Equalization as Equalization
from graphc.layers.preprocessing.images.tones import RandomInvert as RandomInvert
from graphc.layers.preprocessing.images.tones import RandomPosterization as RandomPosterization
from graphc.layers.preprocessing.images.tones import Solarization as Solarization
