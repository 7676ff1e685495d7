// Heatmaps as pictures: levels from black over red to pale yellow, a line around the effective square, a cross at the
// centre. On an image, low levels let it through.

const DECADES = 4; // below the maximum, on the logarithmic scale: what 256 levels of a square root tell apart
const SCALES = {
  linear: (level) => level * level,
  root: (level) => level,
  log: (level) => (level > 0 ? Math.max(0, 1 + (2 * Math.log10(level)) / DECADES) : 0),
};

const MARKS = { linear: ["0", "0.5", "1"], root: ["0", "0.25", "1"], log: ["0.0001 or less", "0.01", "1"] };
// Shares of the maximum that have the first, the middle and the last colour.

const SIDE = 240; // dots of the longer side of a picture

// Red, green, blue and opacity of each level. opaqueFrom: the level from which on all is opaque, 0 without an image.
function lookup(anchors, scale, opaqueFrom) {
  const table = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level++) {
    const share = SCALES[scale](level / 255);
    const at = share * (anchors.length - 1);
    const low = Math.min(Math.floor(at), anchors.length - 2);
    const [from, to] = [anchors[low], anchors[low + 1]];
    for (let c = 0; c < 3; c++) table[4 * level + c] = from[c] + (at - low) * (to[c] - from[c]);
    table[4 * level + 3] = opaqueFrom ? 255 * Math.min(1, share / opaqueFrom) : 255;
  }
  return table;
}

// The colours of shares from 0 to the maximum, with the shares that its ends and its middle stand for.
function drawBar(colours, scale) {
  const canvas = $("bar"), levels = [...Array(256).keys()];
  [canvas.width, canvas.height] = [levels.length, 1];
  canvas.getContext("2d").drawImage(dotsOf(1, levels.length, levels, lookup(colours, "root", 0)), 0, 0);
  $("bar-marks").replaceChildren(...MARKS[scale].map((mark) => element("span", {}, mark)));
}

// Values as a picture of as many dots; `table` has the four bytes of each value.
function dotsOf(height, width, values, table) {
  const made = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  for (let i = 0; i < values.length; i++) image.data.set(table.subarray(4 * values[i], 4 * values[i] + 4), 4 * i);
  made.getContext("2d").putImageData(image, 0, 0);
  return made;
}

const GREYS = Uint8ClampedArray.from({ length: 256 * 4 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2));

// The pixels of the plane that a thumbnail shows.
function extent({ height, width, block, top, left, plane }) {
  return { top, left, height: Math.min(height * block, plane[0] - top), width: Math.min(width * block, plane[1] - left) };
}

// Draws a thumbnail, on `backdrop` if there is one; `frame` are the pixels of the plane that are shown.
function drawHeatmap(canvas, { thumb, backdrop }, { colours, opaque_from: opaque }, scale, frame = null) {
  const { height, width, block, top, left } = thumb;
  const shown = frame ?? { top, left, height: height * block, width: width * block };
  const longer = Math.max(shown.height, shown.width);
  const dot = frame ? SIDE / longer : Math.max(1, Math.floor((SIDE * block) / longer)) / block; // dots for a pixel
  canvas.width = Math.max(1, Math.round(shown.width * dot));
  canvas.height = Math.max(1, Math.round(shown.height * dot));
  const context = canvas.getContext("2d");
  context.fillStyle = `rgb(${colours[0]})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const x = (left - shown.left) * dot, y = (top - shown.top) * dot;
  if (backdrop) {
    const below = dotsOf(backdrop.height, backdrop.width, backdrop.grey, GREYS), step = backdrop.block;
    context.drawImage(below, shown.left / step, shown.top / step, shown.width / step, shown.height / step,
      0, 0, canvas.width, canvas.height);
  }
  context.imageSmoothingEnabled = false;
  const heat = dotsOf(height, width, thumb.levels, lookup(colours, scale, backdrop ? opaque : 0));
  context.drawImage(heat, x, y, width * block * dot, height * block * dot);
  if (thumb.square) {
    const [first, last, before, behind] = thumb.square;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5;
    context.strokeRect((before - shown.left) * dot, (first - shown.top) * dot, (behind - before + 1) * dot,
      (last - first + 1) * dot);
  }
  const down = (thumb.center[0] - shown.top + 0.5) * dot, across = (thumb.center[1] - shown.left + 0.5) * dot;
  context.strokeStyle = "#00ffff";
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(across - 4, down); context.lineTo(across + 4, down);
  context.moveTo(across, down - 4); context.lineTo(across, down + 4);
  context.stroke();
}
