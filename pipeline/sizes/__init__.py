"""Sizes: what is read from a heatmap, averages over replicates, and growth laws."""

from pipeline.sizes.curves import CURVES as CURVES
from pipeline.sizes.curves import curves as curves
from pipeline.sizes.curves import radius_count as radius_count
from pipeline.sizes.cutout import DECADES as DECADES
from pipeline.sizes.cutout import Cutout as Cutout
from pipeline.sizes.cutout import block_means as block_means
from pipeline.sizes.cutout import cutout as cutout
from pipeline.sizes.cutout import levels as levels
from pipeline.sizes.cutout import square_about as square_about
from pipeline.sizes.growth import PowerLaw as PowerLaw
from pipeline.sizes.growth import line_interval as line_interval
from pipeline.sizes.growth import power_law as power_law
from pipeline.sizes.prediction import expected_curves as expected_curves
from pipeline.sizes.prediction import theory_columns as theory_columns
from pipeline.sizes.replicates import Replicate as Replicate
from pipeline.sizes.replicates import difference_interval as difference_interval
from pipeline.sizes.replicates import exact_mean as exact_mean
from pipeline.sizes.replicates import mean_map as mean_map
from pipeline.sizes.replicates import spread as spread
from pipeline.sizes.replicates import spreads as spreads
from pipeline.sizes.sample import Floats as Floats
from pipeline.sizes.sample import Sample as Sample
from pipeline.sizes.sample import sample_of as sample_of
from pipeline.sizes.sizes import COLUMNS as COLUMNS
from pipeline.sizes.sizes import FRACTION as FRACTION
from pipeline.sizes.sizes import sizes as sizes
