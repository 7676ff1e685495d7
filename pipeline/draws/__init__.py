"""What is drawn for a config: random streams, weights and probes, and the files that they may come from."""

from pipeline.draws.backdrop import Backdrop as Backdrop
from pipeline.draws.backdrop import backdrop_of as backdrop_of
from pipeline.draws.files import check_probe_shape as check_probe_shape
from pipeline.draws.files import content as content
from pipeline.draws.files import content_size as content_size
from pipeline.draws.files import probe_shape as probe_shape
from pipeline.draws.files import sha256_of as sha256_of
from pipeline.draws.files import ship as ship
from pipeline.draws.folder import holds_images as holds_images
from pipeline.draws.folder import image_paths as image_paths
from pipeline.draws.images import count_images as count_images
from pipeline.draws.probes import draw_probes as draw_probes
from pipeline.draws.weights import draw_weights as draw_weights
