// Heatmaps as pictures: levels from black over red to pale yellow, a line around the effective square, a cross at the
// centre.

const DECADES = 4; // below the maximum, on the logarithmic scale: what 256 levels of a square root tell apart
const SCALES = {
  linear: (level) => level * level,
  root: (level) => level,
  log: (level) => (level > 0 ? Math.max(0, 1 + (2 * Math.log10(level)) / DECADES) : 0),
};

function lookup(anchors, scale) {
  const table = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level++) {
    const at = SCALES[scale](level / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(at), anchors.length - 2);
    const [from, to] = [anchors[low], anchors[low + 1]];
    for (let c = 0; c < 3; c++) table[4 * level + c] = from[c] + (at - low) * (to[c] - from[c]);
    table[4 * level + 3] = 255;
  }
  return table;
}

function drawHeatmap(canvas, thumb, anchors, scale) {
  const { height, width, block, levels } = thumb;
  const zoom = Math.max(1, Math.floor(240 / Math.max(height, width)));
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  const context = canvas.getContext("2d");
  const small = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  const table = lookup(anchors, scale);
  for (let i = 0; i < levels.length; i++) image.data.set(table.subarray(4 * levels[i], 4 * levels[i] + 4), 4 * i);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  const dot = zoom / block;
  if (thumb.square) {
    const [top, bottom, left, right] = thumb.square;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5;
    const [x, y, across, down] = [left - thumb.left, top - thumb.top, right - left + 1, bottom - top + 1];
    context.strokeRect(x * dot, y * dot, across * dot, down * dot);
  }
  const y = (thumb.center[0] - thumb.top + 0.5) * dot, x = (thumb.center[1] - thumb.left + 0.5) * dot;
  context.strokeStyle = "#00ffff";
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x - 4, y); context.lineTo(x + 4, y); context.moveTo(x, y - 4); context.lineTo(x, y + 4);
  context.stroke();
}
