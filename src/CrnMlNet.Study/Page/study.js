// A worker's page: asks for a job, shows its pairs one after the other, and sends each answer until the server has it on its disk.
'use strict';

const tooHasty = 200; // ms in which nobody chooses, and a key pressed twice does
const longestFrame = 1000 / 60;
const body = document.body;
const element = id => document.getElementById(id);
const pictures = { left: document.querySelector('[data-side=left] .picture'), right: document.querySelector('[data-side=right] .picture') };

let job;
let place = 0; // the pair of the job that is asked
let shownAt = 0;
let shownFor = null;
let cover = () => { }; // masks what is shown
let frame = longestFrame;

const worker = (() => {
  const named = new URLSearchParams(location.search).get('worker');
  if (named)
    return named;
  const key = 'crn-study-worker';
  let known = null;
  try { known = localStorage.getItem(key); } catch { }
  if (!known) {
    known = Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('');
    try { localStorage.setItem(key, known); } catch { }
  }
  return known;
})();

function turn(state, status = '') {
  body.dataset.state = state;
  element('welcome').hidden = state !== 'welcome';
  element('done').hidden = state !== 'done';
  element('task').hidden = !['waiting', 'ready', 'shown', 'saving'].includes(state);
  element('show').disabled = state !== 'ready';
  for (const button of document.querySelectorAll('.choice'))
    button.disabled = state !== 'shown';
  element('status').textContent = status;
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Posts until the server answers. Trying again is safe: the same answer is no second one. */
async function post(path, message) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 8000)) {
    try {
      const reply = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(message) });
      if (reply.status < 500) {
        element('error').textContent = '';
        return reply;
      }
    } catch { }
    element('error').textContent = 'The server does not answer. Your answer is kept here and tried again; please leave this page open.';
    await pause(wait);
  }
}

function fail(reason) {
  turn('failed');
  element('error').textContent = reason;
}

const loaded = new Map();

/** The images of a pair, decoded, so that they appear at once when their mask goes. */
function load(pair) {
  if (!loaded.has(pair.id))
    loaded.set(pair.id, Promise.all(['left', 'right'].map(side => loadImage(pair[side], side))));
  return loaded.get(pair.id);
}

async function loadImage(file, side) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 8000)) {
    const image = new Image();
    image.alt = side === 'left' ? 'Left image' : 'Right image';
    image.decoding = 'sync';
    image.draggable = false;
    image.src = 'images/' + file;
    try {
      await image.decode();
      return image;
    } catch {
      await pause(wait);
    }
  }
}

function drawMasks(isTimed) {
  for (const mask of document.querySelectorAll('.mask')) {
    const context = mask.getContext('2d');
    const noise = context.createImageData(mask.width, mask.height);
    // Where nothing has to be wiped from the eye, plain gray will do.
    for (let i = 0; i < noise.data.length; i++)
      noise.data[i] = i % 4 === 3 ? 255 : isTimed ? Math.floor(256 * Math.random()) : 128;
    context.putImageData(noise, 0, 0);
  }
}

const nextFrame = () => new Promise(resolve => requestAnimationFrame(resolve));

/** How long this screen shows a frame: the shortest time between two. */
async function measureFrame() {
  let last = await nextFrame();
  for (let i = 0; i < 3; i++) {
    const now = await nextFrame();
    frame = Math.min(frame, Math.max(2, now - last));
    last = now;
  }
}

async function ask() {
  while (place < job.pairs.length && job.answered.has(job.pairs[place].id))
    place++;
  element('progress').value = job.answered.size;
  if (place === job.pairs.length) {
    turn('done');
    return;
  }

  const pair = job.pairs[place];
  body.classList.add('is-masked');
  turn('waiting', 'Loading the images');
  const [left, right] = await load(pair);
  body.style.setProperty('--ratio', left.naturalWidth / left.naturalHeight);
  pictures.left.querySelector('img')?.remove();
  pictures.right.querySelector('img')?.remove();
  // Under the mask, where they are painted already.
  pictures.left.prepend(left);
  pictures.right.prepend(right);
  for (const next of job.pairs.slice(place + 1, place + 4))
    load(next);
  loaded.delete(pair.id);
  await nextFrame();
  const status = `Pair ${place + 1} of ${job.pairs.length}`;
  if (pair.milliseconds) {
    await measureFrame();
    turn('ready', status);
  } else {
    uncover(await nextFrame(), status);
  }
}

function uncover(now, status) {
  // What changes in a frame's callback is painted with that frame.
  shownAt = now;
  shownFor = null;
  body.classList.remove('is-masked');
  turn('shown', status);
}

function show() {
  if (body.dataset.state !== 'ready')
    return;
  const { milliseconds } = job.pairs[place];
  const status = element('status').textContent;
  turn('waiting', status);
  requestAnimationFrame(first => {
    uncover(first, status);
    let isOver = false;
    cover = now => {
      if (isOver)
        return;
      isOver = true;
      shownFor = now - first;
      body.classList.add('is-masked');
    };
    const tick = now => {
      // The frame that is nearest to the time.
      if (now - first >= milliseconds - frame / 2)
        cover(now);
      else if (!isOver)
        requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
}

async function choose(choice, at) {
  if (body.dataset.state !== 'shown' || at - shownAt < tooHasty)
    return;
  const pair = job.pairs[place];
  if (pair.milliseconds)
    cover(at);
  turn('saving', element('status').textContent);
  const reply = await post('answers', { worker, pair: pair.id, choice, shownMilliseconds: shownFor, decidedMilliseconds: at - shownAt });
  // 409: answered otherwise before, in another tab say; that answer stays.
  if (!reply.ok && reply.status !== 409)
    return fail(await reply.text());
  job.answered.add(pair.id);
  await ask();
}

function begin() {
  if (body.dataset.state === 'welcome')
    ask();
}

document.addEventListener('keydown', event => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey)
    return;
  const side = { ArrowLeft: 'left', ArrowUp: 'left', f: 'left', F: 'left', ArrowRight: 'right', ArrowDown: 'right', j: 'right', J: 'right' }[event.key];
  if (side && !element('task').hidden) {
    event.preventDefault();
    choose(side, event.timeStamp);
  } else if ((event.key === ' ' || event.key === 'Enter') && !(event.target instanceof HTMLButtonElement && !event.target.disabled)) {
    event.preventDefault();
    begin();
    show();
  }
});
for (const target of document.querySelectorAll('.choice, figure'))
  target.addEventListener('click', event => body.dataset.state === 'ready' ? show() : choose(target.dataset.side, event.timeStamp));
element('show').addEventListener('click', show);
element('begin').addEventListener('click', begin);
// In a hidden page nobody sees the images, and no frame comes that would mask them.
document.addEventListener('visibilitychange', () => {
  if (document.hidden && body.dataset.state === 'shown' && job.pairs[place].milliseconds)
    cover(performance.now());
});

(async () => {
  const reply = await post('begin', { worker });
  if (!reply.ok)
    return fail(await reply.text());
  job = await reply.json();
  job.answered = new Set(job.answered);
  document.title = job.question;
  for (const question of document.querySelectorAll('.question'))
    question.textContent = job.question;
  const isTimed = job.pairs.some(pair => pair.milliseconds);
  body.classList.toggle('is-timed', isTimed);
  element('count').textContent = job.pairs.length - job.answered.size;
  element('progress').max = job.pairs.length;
  drawMasks(isTimed);
  turn(job.answered.size === job.pairs.length ? 'done' : 'welcome');
})();
