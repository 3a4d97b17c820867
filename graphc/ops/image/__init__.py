"""Images under keras.ops.image's names: [height, width, channels] or a batch of them.

* image_batches: one image or many, channels first or last.
* colors, borders, patches, filters: within an image.
* resizing, coordinates: images on another grid.
"""

from graphc.ops.image.borders import crop_images as crop_images
from graphc.ops.image.borders import pad_images as pad_images
from graphc.ops.image.colors import hsv_to_rgb as hsv_to_rgb
from graphc.ops.image.colors import rgb_to_grayscale as rgb_to_grayscale
from graphc.ops.image.colors import rgb_to_hsv as rgb_to_hsv
from graphc.ops.image.coordinates import affine_transform as affine_transform
from graphc.ops.image.coordinates import map_coordinates as map_coordinates
from graphc.ops.image.coordinates import perspective_transform as perspective_transform
from graphc.ops.image.filters import gaussian_blur as gaussian_blur
from graphc.ops.image.filters import sobel_edges as sobel_edges
from graphc.ops.image.filters import ssim as ssim
from graphc.ops.image.patches import extract_patches as extract_patches
from graphc.ops.image.patches import extract_patches_3d as extract_patches_3d
from graphc.ops.image.resizing import resize as resize
from graphc.ops.image.resizing import scale_and_translate as scale_and_translate
