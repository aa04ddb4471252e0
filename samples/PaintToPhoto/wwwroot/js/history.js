const mostBytes = 64 << 20;

/** What was done to a layout, to be taken back and done again. Of each step only the rectangle that it changed is kept. */
export class History {
  #layout;
  #before = null;
  #done = [];
  #undone = [];

  constructor(layout) {
    this.#layout = layout;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Begins a step. */
  begin() {
    this.#before = this.#layout.channels.slice();
  }

  /** Takes back what the step has done so far, and leaves it open. */
  rewind() {
    this.#layout.channels.set(this.#before);
  }

  /** Takes the step back and forgets it. */
  cancel() {
    this.rewind();
    this.#before = null;
  }

  /** Ends the step. Returns whether it changed anything. */
  commit() {
    const step = this.#difference();
    this.#before = null;
    if (step === null)
      return false;
    this.#done.push(step);
    this.#undone = [];
    let bytes = 0;
    for (let i = this.#done.length - 1; i >= 0; i--) {
      bytes += 2 * this.#done[i].before.length;
      if (bytes > mostBytes) {
        this.#done.splice(0, i);
        break;
      }
    }
    return true;
  }

  undo() {
    this.#move(this.#done, this.#undone, 'before');
  }

  redo() {
    this.#move(this.#undone, this.#done, 'after');
  }

  #move(from, to, state) {
    const step = from.pop();
    if (step === undefined)
      return;
    const { left, top, width } = step, pixels = step[state];
    for (let at = 0, y = top; at < pixels.length; at += width, y++)
      this.#layout.channels.set(pixels.subarray(at, at + width), y * this.#layout.width + left);
    to.push(step);
  }

  #difference() {
    const { width, height, channels } = this.#layout, before = this.#before;
    let left = width, right = -1, top = height, bottom = -1;
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (channels[i] === before[i])
          continue;
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
    }
    if (right < 0)
      return null;
    const patch = source => {
      const pixels = new Uint8Array((right - left + 1) * (bottom - top + 1));
      for (let y = top, at = 0; y <= bottom; y++, at += right - left + 1)
        pixels.set(source.subarray(y * width + left, y * width + right + 1), at);
      return pixels;
    };
    return { left, top, width: right - left + 1, before: patch(before), after: patch(channels) };
  }
}
