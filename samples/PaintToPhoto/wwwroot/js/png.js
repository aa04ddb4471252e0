const crcTable = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++)
    value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes)
    value = crcTable[(value ^ byte) & 0xff] ^ (value >>> 8);
  return ~value >>> 0;
}

function chunk(type, data) {
  const bytes = new Uint8Array(12 + data.length), view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

const deflate = async bytes => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))).arrayBuffer());

/**
 * A label map as a PNG that training and scoring read: of palette indices, which are the ids, in the palette's colours; or where ids need more
 * than 8 bits, of 16-bit gray values. (W3C, Portable Network Graphics, second edition.)
 * @param classes for each channel its id and colour
 */
export async function labelPng(layout, classes) {
  const { width, height, channels } = layout;
  const isWide = classes.some(label => label.id > 255);
  const rowBytes = 1 + width * (isWide ? 2 : 1); // a row begins with its filter: none
  const rows = new Uint8Array(rowBytes * height), view = new DataView(rows.buffer);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const { id } = classes[channels[y * width + x]];
      if (isWide)
        view.setUint16(y * rowBytes + 1 + 2 * x, id);
      else
        rows[y * rowBytes + 1 + x] = id;
    }
  }

  const head = new Uint8Array(13), headView = new DataView(head.buffer);
  headView.setUint32(0, width);
  headView.setUint32(4, height);
  head.set(isWide ? [16, 0, 0, 0, 0] : [8, 3, 0, 0, 0], 8);
  const parts = [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), chunk('IHDR', head)];
  if (!isWide) {
    const colours = new Uint8Array(3 * (1 + Math.max(...classes.map(label => label.id))));
    for (const { id, color } of classes)
      colours.set([1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16)), 3 * id);
    parts.push(chunk('PLTE', colours));
  }
  parts.push(chunk('IDAT', await deflate(rows)), chunk('IEND', new Uint8Array()));
  return new Blob(parts, { type: 'image/png' });
}
