/** Who we are, so that the server can tell painters apart. */
const painter = Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('');

/** What the server says when it does not do what was asked. */
export class Refusal extends Error {
  /** @param retryAfter seconds after which it may be asked again; null: not at all */
  constructor(message, retryAfter = null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { 'X-Painter': painter, ...options.headers } });
  } catch (error) {
    if (error.name === 'AbortError')
      throw error;
    throw new Refusal('The server does not answer. Is it still running?', 2);
  }
  if (response.ok)
    return response;
  const problem = await response.json().catch(() => ({}));
  const retryAfter = response.headers.get('Retry-After');
  throw new Refusal(problem.detail ?? problem.title ?? `The server answers ${response.status}.`, retryAfter === null ? null : Number(retryAfter) || 1);
}

const bytes = async response => new Uint8Array(await response.arrayBuffer());
const send = (path, body, type, signal) => ask(path, { method: 'POST', body, headers: { 'Content-Type': type }, signal });

export const status = async () => (await ask('api/status')).json();
export const model = async () => (await ask('api/model')).json();
export const trainingPicture = async () => createImageBitmap(await (await ask('api/status/picture')).blob());
export const example = async name => bytes(await ask(`api/examples/${encodeURIComponent(name)}`));

/** A label PNG as channels. */
export const readLabels = async file => bytes(await send('api/labels', file, file.type || 'application/octet-stream'));

/** All photos of a layout, one below the other. @param kind 'photo' or 'preview' */
export const paint = async (kind, channels, signal) => createImageBitmap(await (await send(`api/${kind}`, channels, 'application/octet-stream', signal)).blob());
