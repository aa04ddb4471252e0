/** A label map: for every pixel the palette's channel, row by row. All that paints stands here; nothing here knows the page. */
export class Layout {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.channels = new Uint8Array(width * height);
  }

  at(x, y) {
    return this.channels[y * this.width + x];
  }

  contains(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  /** A row of pixels from x0 to x1, both included, as far as they are in the map. */
  row(x0, x1, y, channel) {
    if (y < 0 || y >= this.height || x1 < 0 || x0 >= this.width)
      return;
    const start = y * this.width;
    this.channels.fill(channel, start + Math.max(0, x0), start + Math.min(this.width - 1, x1) + 1);
  }

  /** A disc, `size` pixels across. */
  dab(x, y, size, channel) {
    const radius = size / 2, shift = (size % 2 === 0) ? 0.5 : 0;
    for (let dy = -Math.floor(radius); dy <= Math.floor(radius); dy++) {
      const reach = radius * radius - (dy + shift) * (dy + shift);
      if (reach < 0)
        continue;
      const half = Math.sqrt(reach);
      this.row(Math.ceil(x - half - shift), Math.floor(x + half - shift), y + dy, channel);
    }
  }

  /** A line of discs. */
  line(x0, y0, x1, y1, size, channel) {
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let i = 0; i <= steps; i++) {
      const share = steps === 0 ? 0 : i / steps;
      this.dab(Math.round(x0 + share * (x1 - x0)), Math.round(y0 + share * (y1 - y0)), size, channel);
    }
  }

  /** A filled rectangle between two corners. */
  rectangle(x0, y0, x1, y1, channel) {
    for (let y = Math.min(y0, y1); y <= Math.max(y0, y1); y++)
      this.row(Math.min(x0, x1), Math.max(x0, x1), y, channel);
  }

  /** The area of one class around a pixel. */
  fill(x, y, channel) {
    const old = this.at(x, y);
    if (old === channel)
      return;
    const { width, height, channels } = this;
    const rows = [[x, y]];
    while (rows.length > 0) {
      const [seedX, seedY] = rows.pop();
      const start = seedY * width;
      if (channels[start + seedX] !== old)
        continue;
      let left = seedX, right = seedX;
      while (left > 0 && channels[start + left - 1] === old)
        left--;
      while (right < width - 1 && channels[start + right + 1] === old)
        right++;
      channels.fill(channel, start + left, start + right + 1);
      for (const nextY of [seedY - 1, seedY + 1]) {
        if (nextY < 0 || nextY >= height)
          continue;
        for (let nextX = left; nextX <= right; nextX++) {
          // The first pixel of each run is enough to find the run.
          if (channels[nextY * width + nextX] === old && (nextX === left || channels[nextY * width + nextX - 1] !== old))
            rows.push([nextX, nextY]);
        }
      }
    }
  }

  /** The map at another size, by nearest neighbour: classes are never mixed. */
  sampled(width, height) {
    if (width === this.width && height === this.height)
      return this.channels.slice();
    const sample = new Uint8Array(width * height);
    for (let y = 0, to = 0; y < height; y++) {
      const from = Math.floor((y + 0.5) * this.height / height) * this.width;
      for (let x = 0; x < width; x++)
        sample[to++] = this.channels[from + Math.floor((x + 0.5) * this.width / width)];
    }
    return sample;
  }
}
