# Trained networks: does training change how far a unit sees?
#
# Yes, and in either direction. Luo et al. 2016 (section 3) saw the receptive field grow, in a classifier and in a
# segmentation network. The heatmap grows here in a small classifier, which says whether a line of text is upside down:
# more of the gradient comes from the whole plane, through squeeze and excitation. In a detector of text it shrinks to two
# thirds in the same window, perhaps because edges of letters are near. Measure your own network, by several sizes.
#
# Both networks are in the package rapidocr-onnxruntime (`pip install --no-deps rapidocr-onnxruntime==1.4.4`), and MODELS
# is its folder `models`. The untrained ones have the same layers with He weights, drawn eight times.
#
erfsweep import "$MODELS/ch_ppocr_mobile_v2.0_cls_infer.onnx" --input 48x192 --to classifier --replace
erfsweep run classifier.yaml -s readout.layer=batch_norm_27.tmp_2 -s input=225x225x3 -s readout.channel=sum -s probes.kind=normal -s probes.count=8 --name classifier-trained
erfsweep run classifier.yaml -s readout.layer=batch_norm_27.tmp_2 -s input=225x225x3 -s readout.channel=sum -s probes.kind=normal -s probes.count=8 -s init.kind=he_normal -s 'seed=range(0,8)' --name classifier-untrained
erfsweep import "$MODELS/ch_PP-OCRv4_det_infer.onnx" --input 96x128 --to detector --replace
erfsweep run detector.yaml -s readout.layer=p2o.Add.147 -s input=319x319x3 -s readout.channel=sum -s probes.kind=normal -s probes.count=8 --name detector-trained
erfsweep run detector.yaml -s readout.layer=p2o.Add.147 -s input=319x319x3 -s readout.channel=sum -s probes.kind=normal -s probes.count=8 -s init.kind=he_normal -s 'seed=range(0,8)' --name detector-untrained
erfsweep plot compare classifier-untrained classifier-trained --scale sqrt --width 4 --dpi 120 -o trained-classifier.png
erfsweep plot compare detector-untrained detector-trained --scale sqrt --width 4 --dpi 120 -o trained-detector.png
