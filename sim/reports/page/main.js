// The page: what is chosen, and the sections that show it.
'use strict';

const state = {run: 0, priced: 0, theme: 'auto'};

function sectionsOf(runs) {
  const run = runs[state.run];
  const priced = run.priced[state.priced] || run.priced[0];
  return [
    runs.length > 1 ? comparisonSection(runs, priced) : null,
    simulatedSection(run), totalsSection(run, priced), waySection(run, priced), energySection(run, priced),
    methodsSection(run, priced), stepSection(run, priced), cyclesSection(run), timelineSection(run), rooflineSection(run),
    trafficSection(run), togglesSection(run), passesSection(run, priced), sourcesSection(run),
  ].filter(Boolean);
}

function setTheme(theme) {
  state.theme = theme;
  if (theme === 'auto') {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  redrawAll();
}

function render(runs) {
  const sections = sectionsOf(runs);
  document.getElementById('page').replaceChildren(...sections);
  document.getElementById('contents').replaceChildren(el('ul', {}, sections.map((one) =>
    el('li', {}, el('a', {href: `#${one.id}`}, one.querySelector('h2').textContent)))));
}

function save() {
  const link = el('a', {href: URL.createObjectURL(new Blob([JSON.stringify({format: 'potomac-comparison', version: 3, runs: data.runs}, null, 1)], {type: 'application/json'})), download: 'potomac-reports.json'});
  link.click();
  URL.revokeObjectURL(link.href);
}

function begin() {
  const runs = data.runs.map((_, i) => new Run(i));
  const names = runs.map((run) => run.report.name);
  document.title = `Potomac: ${names.join(', ')}`;
  document.getElementById('subtitle').textContent = names.join(', ');
  document.getElementById('save').addEventListener('click', save);
  const controls = document.getElementById('controls');
  const prices = () => choice('priced by', runs[state.run].priced.map(({table, accounting}, i) => [String(i), `table ${table}, accounting ${accounting}`]),
    String(state.priced), (value) => { state.priced = Number(value); render(runs); });
  controls.append(
    ...(runs.length > 1 ? [choice('run', names.map((name, i) => [String(i), name]), '0', (value) => { state.run = Number(value); render(runs); })] : []),
    prices(), choice('colours', [['auto', 'as the system'], ['light', 'light'], ['dark', 'dark']], 'auto', setTheme));
  render(runs);
}

begin();
