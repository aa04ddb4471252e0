import { Board } from './board.js';
import { History } from './history.js';
import { Layout } from './layout.js';
import { Photographer } from './photographer.js';
import { labelPng } from './png.js';
import * as server from './server.js';

const element = id => document.getElementById(id);
const digitMilliseconds = 700;

start();

async function start() {
  try {
    const model = await waitForModel();
    open(model);
  } catch (error) {
    refused(error);
    if (error instanceof server.Refusal)
      setTimeout(start, 2000);
    else
      throw error;
  }
}

/** Shows how far the training is, until there is a model. */
async function waitForModel() {
  for (;;) {
    const status = await server.status();
    refused(null);
    element('training').hidden = status.ready;
    if (status.ready)
      return server.model();
    element('training-what').textContent = status.what;
    element('training-progress').value = status.done;
    element('training-left').textContent = status.secondsLeft > 0 ? `${clock(status.secondsLeft)} minutes left` : '';
    if (status.hasPicture) {
      const picture = await server.trainingPicture();
      draw(element('training-picture'), picture, 0, 1);
      picture.close();
    }
    await new Promise(done => setTimeout(done, 1000));
  }
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function open(model) {
  const classes = model.void === null ? model.classes : [...model.classes, model.void];
  const layout = new Layout(model.photo.width, model.photo.height), history = new History(layout);
  element('about').textContent = `${model.classes.length} classes of ${model.name}, ${model.photo.width} × ${model.photo.height}`;
  element('studio').hidden = false;

  const photoView = showPhotos(model, () => photographer.isCurrent);
  const photographer = new Photographer(model, layout, { show: photoView.show, working: photoView.working, refused });
  const board = new Board(layout, history, classes.map(label => label.color), { changed, picked: channel => choose(channel), zoomed, moved });
  const choose = makeClasses(classes, channel => board.take({ channel }));

  function changed(moving) {
    photographer.changed(moving);
    photoView.outdated();
    element('undo').disabled = moving || !history.canUndo;
    element('redo').disabled = moving || !history.canRedo;
  }

  function zoomed(zoom) {
    element('zoom').textContent = `${Math.round(100 * zoom)}%`;
  }

  function moved(x, y) {
    element('place').textContent = `${x}, ${y}: ${classes[layout.at(x, y)].name}`;
  }

  /** Does something to the layout that can be undone. */
  function step(change) {
    board.cancel();
    history.begin();
    change();
    if (history.commit())
      redraw();
  }

  function redraw() {
    board.draw();
    changed(false);
  }

  function undo() {
    board.cancel();
    history.undo();
    redraw();
  }

  function redo() {
    board.cancel();
    history.redo();
    redraw();
  }

  async function openFile(file) {
    try {
      const channels = await server.readLabels(file);
      refused(null);
      step(() => layout.channels.set(channels));
    } catch (error) {
      refused(error);
    }
  }

  function useTool(tool) {
    board.cancel();
    board.take({ tool });
    document.querySelector(`input[name=tool][value=${tool}]`).checked = true;
  }

  function setSize(size) {
    const input = element('size-input');
    input.value = size;
    board.take({ size: Number(input.value) });
    element('size').querySelector('output').textContent = input.value;
  }

  element('tool').addEventListener('change', event => useTool(event.target.value));
  element('size-input').addEventListener('input', event => setSize(event.target.value));
  element('undo').addEventListener('click', undo);
  element('redo').addEventListener('click', redo);
  element('zoom-in').addEventListener('click', () => board.zoomTo(board.zoom * 1.5));
  element('zoom-out').addEventListener('click', () => board.zoomTo(board.zoom / 1.5));
  element('zoom-fit').addEventListener('click', () => board.zoomTo(1));
  element('blank').addEventListener('click', () => step(() => layout.channels.fill(board.channel)));
  element('open').addEventListener('click', () => element('file').click());
  element('file').addEventListener('change', event => {
    if (event.target.files.length > 0)
      openFile(event.target.files[0]);
    event.target.value = '';
  });
  element('save-labels').addEventListener('click', async () => save(await labelPng(layout, classes), 'labels.png'));
  element('save-photo').addEventListener('click', () => element('photo').toBlob(png => save(png, 'photo.png'), 'image/png'));
  element('label-pane').addEventListener('dragover', event => event.preventDefault());
  element('label-pane').addEventListener('drop', event => {
    event.preventDefault();
    if (event.dataTransfer.files.length > 0)
      openFile(event.dataTransfer.files[0]);
  });

  const typeDigit = digits(classes, model.void, choose);
  const keys = {
    b: () => useTool('brush'), f: () => useTool('fill'), r: () => useTool('rectangle'), l: () => useTool('line'), e: () => useTool('eyedropper'),
    '[': () => setSize(board.size - (board.size > 16 ? 4 : 1)), ']': () => setSize(board.size + (board.size >= 16 ? 4 : 1)),
    '+': () => board.zoomTo(board.zoom * 1.5), '=': () => board.zoomTo(board.zoom * 1.5), '-': () => board.zoomTo(board.zoom / 1.5),
    escape: () => board.cancel(), '?': () => element('keys').showModal(),
  };
  document.addEventListener('keydown', event => {
    if (element('keys').open)
      return;
    const key = event.key.toLowerCase();
    let action = keys[key];
    if (event.ctrlKey || event.metaKey)
      action = key === 'y' || (key === 'z' && event.shiftKey) ? redo : key === 'z' ? undo : undefined;
    else if (/^[0-9]$/.test(key))
      action = () => typeDigit(Number(key));
    else if (event.altKey)
      action = undefined;
    if (action === undefined)
      return;
    event.preventDefault();
    action();
  });

  setSize(Math.max(1, Math.min(64, Math.round(layout.height / 10))));
  zoomed(1);
  choose(0);
  const loadFirst = showExamples(model, classes, channels => step(() => layout.channels.set(channels)));
  if (loadFirst === null)
    redraw();
  else
    loadFirst.then(channels => {
      layout.channels.set(channels);
      redraw();
    });
}

/** The classes to choose from. Returns what chooses one. */
function makeClasses(classes, chosen) {
  const group = element('classes');
  const inputs = classes.map((label, channel) => {
    const isVoid = label.name === 'void' && channel === classes.length - 1;
    const number = isVoid ? 0 : channel + 1;
    const row = document.createElement('label');
    row.innerHTML = '<input type="radio" name="class"><i aria-hidden="true"></i><span></span><kbd aria-hidden="true"></kbd>';
    const input = row.querySelector('input');
    input.value = channel;
    row.querySelector('i').style.background = label.color;
    row.querySelector('span').textContent = label.name;
    row.querySelector('kbd').textContent = number;
    group.append(row);
    return input;
  });
  group.addEventListener('change', event => chosen(Number(event.target.value)));
  return channel => {
    inputs[channel].checked = true;
    chosen(channel);
  };
}

/** Number keys: 1 is the first class, 1 and 2 in quick succession the twelfth, 0 alone void. */
function digits(classes, voidClass, choose) {
  const count = classes.length - (voidClass === null ? 0 : 1);
  let typed = '', last = 0;
  return digit => {
    const now = performance.now();
    typed = now - last < digitMilliseconds && Number(typed + digit) <= count ? typed + digit : String(digit);
    last = now;
    const number = Number(typed);
    if (number === 0 && voidClass !== null)
      choose(classes.length - 1);
    else if (number >= 1 && number <= count)
      choose(number - 1);
  };
}

function draw(canvas, bitmap, index, count) {
  const height = bitmap.height / count, context = canvas.getContext('2d', { alpha: false });
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, index * height, bitmap.width, height, 0, 0, canvas.width, canvas.height);
}

/** The photo, and its variants where the model paints several. */
function showPhotos(model, isCurrent) {
  const canvas = element('photo'), state = element('photo-state'), bar = element('painting'), variants = element('variants');
  let bitmap = null, chosen = 0, frame = 0, begun = 0;
  Object.assign(canvas, { width: model.photo.width, height: model.photo.height });
  element('picture').style.setProperty('--aspect', model.photo.width / model.photo.height);
  const thumbnails = Array.from({ length: model.images }, (_, i) => {
    const row = document.createElement('label');
    row.innerHTML = '<input type="radio" name="variant"><canvas aria-hidden="true"></canvas><span></span>';
    row.querySelector('input').value = i;
    row.querySelector('input').checked = i === 0;
    row.querySelector('span').textContent = i + 1;
    const thumbnail = row.querySelector('canvas');
    Object.assign(thumbnail, { width: model.photo.width, height: model.photo.height });
    variants.append(row);
    return thumbnail;
  });
  variants.hidden = model.images === 1;
  variants.addEventListener('change', event => {
    chosen = Number(event.target.value);
    if (bitmap !== null)
      draw(canvas, bitmap, chosen, model.images);
  });

  function advance() {
    const expected = Math.max(200, model.photo.milliseconds), passed = performance.now() - begun;
    bar.hidden = passed < 200;
    bar.value = 1 - Math.exp(-1.5 * passed / expected);
    frame = requestAnimationFrame(advance);
  }

  return {
    show(picture, kind, version, milliseconds) {
      bitmap?.close();
      bitmap = picture;
      draw(canvas, bitmap, chosen, model.images);
      if (model.images > 1)
        thumbnails.forEach((thumbnail, i) => draw(thumbnail, bitmap, i, model.images));
      Object.assign(canvas.dataset, { kind, version, milliseconds: Math.round(milliseconds) });
      state.textContent = kind === 'preview' ? 'Preview' : `In ${Math.round(milliseconds)} ms`;
      element('save-photo').disabled = !isCurrent();
    },
    outdated() {
      element('save-photo').disabled = true;
    },
    working(isWorking) {
      if (isWorking === (frame !== 0))
        return;
      cancelAnimationFrame(frame);
      frame = 0;
      bar.hidden = true;
      begun = performance.now();
      if (isWorking)
        advance();
    },
  };
}

/** Shows the examples. Returns the first one's channels; null: there is none. */
function showExamples(model, classes, use) {
  if (model.examples.length === 0)
    return null;
  element('examples').hidden = false;
  const list = element('examples').querySelector('ul');
  const colours = classes.map(label => [1, 3, 5].map(at => parseInt(label.color.slice(at, at + 2), 16)));
  const loads = model.examples.map(async name => {
    const item = document.createElement('li'), button = document.createElement('button'), canvas = document.createElement('canvas');
    button.type = 'button';
    button.setAttribute('aria-label', `Example ${name}`);
    button.append(canvas);
    item.append(button);
    list.append(item);
    const channels = await server.example(name);
    Object.assign(canvas, { width: model.photo.width, height: model.photo.height });
    const context = canvas.getContext('2d', { alpha: false }), image = context.createImageData(canvas.width, canvas.height);
    channels.forEach((channel, i) => image.data.set([...colours[channel], 255], 4 * i));
    context.putImageData(image, 0, 0);
    button.addEventListener('click', () => use(channels));
    return channels;
  });
  for (const load of loads)
    load.catch(refused);
  return loads[0];
}

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Shows what went wrong; null: all is well again. */
function refused(error) {
  element('error').hidden = error === null;
  if (error !== null)
    element('error').querySelector('span').textContent = error.message;
}

element('error').querySelector('button').addEventListener('click', () => refused(null));
element('help').addEventListener('click', () => element('keys').showModal());
