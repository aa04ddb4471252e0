const mostZoom = 16;

/**
 * Where a layout is painted: draws it, zooms it, and turns mouse, pen, touch and keys into strokes of the tool. One finger paints, two
 * fingers move and zoom; with the keyboard a cursor is moved.
 */
export class Board {
  #tool = 'brush';
  #size = 1;
  #channel = 0;
  #layout;
  #history;
  #listener;
  #board = document.getElementById('board');
  #sheet = document.getElementById('sheet');
  #canvas = document.getElementById('labels');
  #cursor = document.getElementById('cursor');
  #context;
  #image;
  #colours;
  #zoom = 1;
  #stroke = null;
  #fingers = new Map();
  #pinch = null;
  #at;
  #isDrawn = true;

  /**
   * @param colours for each channel its colour, '#rrggbb'
   * @param listener has changed(moving), picked(channel), zoomed(zoom) and moved(x, y)
   */
  constructor(layout, history, colours, listener) {
    this.#layout = layout;
    this.#history = history;
    this.#listener = listener;
    const { width, height } = layout;
    Object.assign(this.#canvas, { width, height });
    this.#board.style.setProperty('--aspect', width / height);
    this.#context = this.#canvas.getContext('2d', { alpha: false });
    this.#image = this.#context.createImageData(width, height);
    this.#colours = Uint32Array.from(colours, colour => {
      const value = parseInt(colour.slice(1), 16);
      return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
    });
    this.#at = { x: width >> 1, y: height >> 1 };
    this.#listen();
    this.draw();
  }

  get zoom() {
    return this.#zoom;
  }

  /** The brush's size in pixels of the layout. */
  get size() {
    return this.#size;
  }

  /** The channel that is painted with. */
  get channel() {
    return this.#channel;
  }

  /** Draws the layout, with the next picture of the screen. */
  draw() {
    if (!this.#isDrawn)
      return;
    this.#isDrawn = false;
    requestAnimationFrame(() => {
      this.#isDrawn = true;
      const pixels = new Uint32Array(this.#image.data.buffer), { channels } = this.#layout;
      for (let i = 0; i < channels.length; i++)
        pixels[i] = this.#colours[channels[i]];
      this.#context.putImageData(this.#image, 0, 0);
    });
  }

  /** Zooms, so that the place under a point of the window, or the middle, stays where it is. */
  zoomTo(zoom, clientX = null, clientY = null) {
    zoom = Math.min(mostZoom, Math.max(1, zoom));
    const box = this.#board.getBoundingClientRect();
    const x = (clientX ?? box.left + box.width / 2) - box.left, y = (clientY ?? box.top + box.height / 2) - box.top;
    const shareX = (this.#board.scrollLeft + x) / this.#zoom, shareY = (this.#board.scrollTop + y) / this.#zoom;
    this.#zoom = zoom;
    this.#sheet.style.setProperty('--zoom', zoom);
    this.#board.scrollLeft = shareX * zoom - x;
    this.#board.scrollTop = shareY * zoom - y;
    this.#placeCursor();
    this.#listener.zoomed(zoom);
  }

  /** Takes back the stroke that is being made. */
  cancel() {
    if (this.#stroke === null)
      return;
    this.#stroke = null;
    this.#history.cancel();
    this.#tell(false);
  }

  /** Takes another tool, brush or class in hand. */
  take({ tool = this.#tool, size = this.#size, channel = this.#channel }) {
    [this.#tool, this.#size, this.#channel] = [tool, size, channel];
    this.#placeCursor();
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', event => this.#down(event));
    canvas.addEventListener('pointermove', event => this.#move(event));
    canvas.addEventListener('pointerup', event => this.#up(event));
    canvas.addEventListener('pointercancel', event => {
      this.cancel();
      this.#up(event);
    });
    canvas.addEventListener('pointerleave', event => {
      if (event.pointerType === 'mouse' && this.#stroke === null && !canvas.matches(':focus-visible'))
        this.#cursor.hidden = true;
    });
    canvas.addEventListener('keydown', event => this.#key(event));
    canvas.addEventListener('focus', () => {
      if (canvas.matches(':focus-visible'))
        this.#showCursor();
    });
    canvas.addEventListener('blur', () => this.#cursor.hidden = true);
    canvas.addEventListener('contextmenu', event => event.preventDefault());
    this.#board.addEventListener('wheel', event => {
      if (!event.ctrlKey)
        return;
      event.preventDefault();
      this.zoomTo(this.#zoom * 2 ** (-event.deltaY / 200), event.clientX, event.clientY);
    }, { passive: false });
    new ResizeObserver(() => this.#placeCursor()).observe(this.#canvas);
  }

  #pixel({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: Math.floor((clientX - box.left) * this.#layout.width / box.width),
      y: Math.floor((clientY - box.top) * this.#layout.height / box.height),
    };
  }

  #down(event) {
    if (event.button !== 0)
      return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, event);
    if (this.#fingers.size === 2) {
      this.cancel();
      this.#pinch = { distance: this.#distance(), zoom: this.#zoom, middle: this.#middle() };
      return;
    }
    if (this.#fingers.size > 2 || this.#pinch !== null)
      return;
    this.#at = this.#pixel(event);
    this.#begin(event.altKey ? 'eyedropper' : this.#tool);
    this.#showCursor();
  }

  #move(event) {
    if (this.#fingers.has(event.pointerId))
      this.#fingers.set(event.pointerId, event);
    if (this.#pinch !== null) {
      if (this.#fingers.size === 2)
        this.#moveFingers();
      return;
    }
    // A fast hand leaves several places between two events.
    const places = event.getCoalescedEvents?.() ?? [];
    for (const place of places.length > 0 ? places : [event]) {
      this.#at = this.#pixel(place);
      this.#continue();
    }
    if (event.pointerType === 'mouse' || this.#stroke !== null)
      this.#showCursor();
  }

  #up(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#fingers.size === 0)
      this.#pinch = null;
    this.#end();
    if (event.pointerType === 'touch')
      this.#cursor.hidden = true;
  }

  #moveFingers() {
    const middle = this.#middle(), pinch = this.#pinch;
    this.#board.scrollLeft -= middle.x - pinch.middle.x;
    this.#board.scrollTop -= middle.y - pinch.middle.y;
    pinch.middle = middle;
    this.zoomTo(pinch.zoom * this.#distance() / pinch.distance, middle.x, middle.y);
  }

  #distance() {
    const [one, other] = [...this.#fingers.values()];
    return Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
  }

  #middle() {
    const [one, other] = [...this.#fingers.values()];
    return { x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2 };
  }

  #begin(tool) {
    const { x, y } = this.#at;
    if (tool === 'eyedropper') {
      if (this.#layout.contains(x, y))
        this.#listener.picked(this.#layout.at(x, y));
      return;
    }
    this.#history.begin();
    this.#stroke = { tool, x, y, lastX: x, lastY: y };
    if (tool === 'fill') {
      if (this.#layout.contains(x, y))
        this.#layout.fill(x, y, this.#channel);
      this.#end();
      return;
    }
    this.#continue(true);
  }

  #continue(isFirst = false) {
    const stroke = this.#stroke, { x, y } = this.#at;
    if (stroke === null || (!isFirst && x === stroke.lastX && y === stroke.lastY))
      return;
    if (stroke.tool === 'brush') {
      this.#layout.line(stroke.lastX, stroke.lastY, x, y, this.#size, this.#channel);
    } else {
      this.#history.rewind();
      if (stroke.tool === 'rectangle')
        this.#layout.rectangle(stroke.x, stroke.y, x, y, this.#channel);
      else
        this.#layout.line(stroke.x, stroke.y, x, y, this.#size, this.#channel);
    }
    [stroke.lastX, stroke.lastY] = [x, y];
    this.#tell(true);
  }

  #end() {
    if (this.#stroke === null)
      return;
    this.#stroke = null;
    this.#history.commit();
    this.#tell(false);
  }

  #tell(moving) {
    this.draw();
    this.#listener.changed(moving);
  }

  #key(event) {
    const step = event.shiftKey ? 10 : 1;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
    if (dx !== 0 || dy !== 0) {
      this.#at = {
        x: Math.min(this.#layout.width - 1, Math.max(0, this.#at.x + dx)),
        y: Math.min(this.#layout.height - 1, Math.max(0, this.#at.y + dy)),
      };
      this.#continue();
      this.#showCursor();
      this.#cursor.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      this.#listener.moved(this.#at.x, this.#at.y);
    } else if (event.key === ' ' || event.key === 'Enter') {
      if (!event.repeat)
        this.#press();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** The tool, by key: a brush dabs; a rectangle or a line has two ends. */
  #press() {
    if (this.#stroke !== null) {
      this.#end();
      return;
    }
    this.#begin(this.#tool);
    if (this.#tool === 'brush')
      this.#end();
  }

  #showCursor() {
    this.#cursor.hidden = false;
    this.#placeCursor();
  }

  #placeCursor() {
    const { width, height } = this.#canvas.getBoundingClientRect();
    if (width === 0)
      return;
    const hasSize = this.#tool === 'brush' || this.#tool === 'line', size = hasSize ? this.#size : 1;
    const shift = size % 2 === 0 ? 0 : 0.5;
    Object.assign(this.#cursor.style, {
      left: `${(this.#at.x + shift) * width / this.#layout.width}px`,
      top: `${(this.#at.y + shift) * height / this.#layout.height}px`,
      width: `${size * width / this.#layout.width}px`,
      height: `${size * height / this.#layout.height}px`,
    });
    this.#cursor.className = hasSize ? 'round' : '';
  }
}
