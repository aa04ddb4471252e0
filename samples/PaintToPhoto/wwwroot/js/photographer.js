import { paint, Refusal } from './server.js';

const restMilliseconds = 150;

/**
 * Keeps the picture up with the layout: previews while the hand moves, one at a time and always of the newest state; the photo when it rests.
 * What is asked for and no longer wanted is cancelled.
 */
export class Photographer {
  #model;
  #layout;
  #listener;
  #version = 0;
  #shown = { kind: 'none', version: -1 };
  #preview = null;
  #photo = null;
  #rest = 0;
  #retry = 0;

  /** @param listener has show(bitmap, kind, version, milliseconds), working(isWorking) and refused(error or null) */
  constructor(model, layout, listener) {
    this.#model = model;
    this.#layout = layout;
    this.#listener = listener;
  }

  get isCurrent() {
    return this.#shown.kind === 'photo' && this.#shown.version === this.#version;
  }

  /** The layout has changed. @param moving whether the hand still moves, so that more will come */
  changed(moving) {
    this.#version++;
    clearTimeout(this.#retry);
    this.#cancel(this.#photo);
    if (!moving)
      this.rested();
    else
      clearTimeout(this.#rest);
    this.#askPreview();
  }

  /** The hand rests. */
  rested() {
    if (this.isCurrent)
      return;
    clearTimeout(this.#rest);
    if (this.#preview !== null && this.#preview.version < this.#version) {
      this.#cancel(this.#preview);
      this.#askPreview();
    }
    this.#rest = setTimeout(() => this.#askPhoto(), restMilliseconds);
  }

  async #askPreview() {
    if (this.#preview !== null || this.#shown.version >= this.#version)
      return;
    // Without a smaller model a preview is the photo itself.
    this.#preview = this.#model.preview === null ? this.#request('photo', this.#model.photo) : this.#request('preview', this.#model.preview);
    const isDone = await this.#receive(this.#preview);
    if (isDone)
      this.#askPreview();
  }

  async #askPhoto() {
    const isComing = this.#preview?.kind === 'photo' && this.#preview.version === this.#version;
    if (this.isCurrent || isComing)
      return;
    this.#cancel(this.#photo);
    this.#photo = this.#request('photo', this.#model.photo);
    await this.#receive(this.#photo);
  }

  #request(kind, { width, height }) {
    return { kind, version: this.#version, channels: this.#layout.sampled(width, height), abort: new AbortController(), start: performance.now() };
  }

  /** Whether a picture came. */
  async #receive(request) {
    this.#listener.working(true);
    try {
      const bitmap = await paint(request.kind, request.channels, request.abort.signal);
      this.#end(request);
      this.#listener.refused(null);
      const isNews = request.version > this.#shown.version || (request.version === this.#shown.version && this.#shown.kind !== 'photo');
      if (!request.abort.signal.aborted && isNews) {
        this.#shown = { kind: request.kind, version: request.version };
        if (request.kind === 'photo')
          this.#cancel(this.#preview?.version <= request.version ? this.#preview : null);
        this.#listener.show(bitmap, request.kind, request.version, performance.now() - request.start);
      } else {
        bitmap.close();
      }
      return true;
    } catch (error) {
      this.#end(request);
      if (error instanceof Refusal)
        this.#refused(error);
      else if (error.name !== 'AbortError')
        throw error;
      return false;
    }
  }

  #refused(error) {
    this.#listener.refused(error);
    if (error.retryAfter === null)
      return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#askPhoto(), 1000 * error.retryAfter);
  }

  #cancel(request) {
    if (request === null)
      return;
    request.abort.abort();
    this.#end(request);
  }

  #end(request) {
    if (this.#preview === request)
      this.#preview = null;
    if (this.#photo === request)
      this.#photo = null;
    this.#listener.working(this.#preview !== null || this.#photo !== null);
  }
}
