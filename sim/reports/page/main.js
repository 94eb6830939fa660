// The page: what is chosen, and the sections that show it.
'use strict';

const state = {run: 0, priced: 0};

function sectionsOf(runs) {
  const run = runs[state.run];
  const priced = run.priced[state.priced] || run.priced[0];
  return [
    runs.length > 1 ? comparisonSection(runs, priced) : null,
    simulatedSection(run), totalsSection(run, priced), waySection(run, priced), energySection(run, priced),
    methodsSection(run, priced), stepSection(run, priced), cyclesSection(run), peMapSection(run), framesSection(run), timelineSection(run), rooflineSection(run),
    trafficSection(run), togglesSection(run), passesSection(run, priced), sourcesSection(run),
  ].filter(Boolean);
}

function setTheme(theme) {
  if (theme === 'auto') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  redrawAll();
}

function show(sections) {
  document.getElementById('page').replaceChildren(...sections);
  document.getElementById('contents').replaceChildren(el('ul', {}, sections.map((one) =>
    el('li', {}, el('a', {href: `#${one.id}`}, one.querySelector('h2').textContent)))));
}

function save() {
  const text = JSON.stringify(data.sweep || {format: 'potomac-comparison', version: 3, runs: data.runs}, null, 1);
  const link = el('a', {href: URL.createObjectURL(new Blob([text], {type: 'application/json'})), download: 'potomac.json'});
  link.click();
  URL.revokeObjectURL(link.href);
}

// What runs are looked at, and by which prices.
function runControls() {
  const runs = data.runs.map((_, i) => new Run(i));
  const render = () => show(sectionsOf(runs));
  const prices = el('div', {class: 'within'});
  const renderPrices = () => {
    const priced = runs[state.run].priced;
    prices.replaceChildren(choice('priced by', priced.map(({table, accounting}, i) => [String(i), `table ${table}, accounting ${accounting}`]),
      String(state.priced), (value) => { state.priced = Number(value); render(); }));
  };
  renderPrices();
  render();
  return [runs.length > 1 ? choice('run', runs.map((run, i) => [String(i), run.report.name]), '0', (value) => {
    state.run = Number(value);
    state.priced = Math.min(state.priced, runs[state.run].priced.length - 1);
    renderPrices();
    render();
  }) : '', prices];
}

function begin() {
  const names = data.sweep ? [data.sweep.name] : data.runs.map(({name}) => name);
  document.title = `Potomac: ${names.join(', ')}`;
  document.getElementById('subtitle').textContent = names.join(', ');
  document.getElementById('save').addEventListener('click', save);
  const theme = choice('colours', [['auto', 'as the system'], ['light', 'light'], ['dark', 'dark']], 'auto', setTheme);
  if (data.sweep) {
    show(sweepSections(new Sweep(data.sweep)));
    document.getElementById('controls').append(theme);
  } else {
    document.getElementById('controls').append(...runControls(), theme);
  }
}

begin();
