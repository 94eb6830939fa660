// What a sweep shows: which points, how they lie to each other, and all of their figures.
'use strict';

// A cell of a sweep's row.
class Cell extends Shown {
  constructor(row, column) {
    super();
    const {name, unit, meaning} = data.sweep.columns[column];
    Object.assign(this, {row, column, name, unit, meaning, value: data.sweep.rows[row][column]});
  }
  get attributes() { return {'data-row': this.row, 'data-column': this.column}; }
  get told() { return [this.exactly, unquoted(this.meaning), `sweep.csv: ${this.name} of point ${data.sweep.rows[this.row][0]}`]; }
}

const MORE_IS_BETTER = /utilization|^reduction\[|^tops_per_w\[/;
const FEW_VALUES = 8;

class Sweep {
  constructor(sweep) {
    Object.assign(this, sweep);
    const status = this.columns.findIndex(({name}) => name === 'status');
    this.done = this.rows.map((_, i) => i).filter((i) => this.rows[i][status] === 'done');
    this.refused = this.rows.map((_, i) => i).filter((i) => this.rows[i][status] !== 'done');
    this.message = this.columns.length - 1;
    this.parameters = this.columns.map((_, i) => i).filter((i) => this.columns[i].parameter);
    this.numeric = this.columns.map((_, i) => i).filter((i) => i > 0
      && this.done.some((row) => typeof this.rows[row][i] === 'number') && this.done.every((row) => this.rows[row][i] === null || typeof this.rows[row][i] === 'number'));
    this.ranges = new Map();  // by column: [least, most], either may be null
    this.values = new Map();  // by parameter: the value that is asked for
    this.chosen = new Set();
  }
  find(...names) {
    return this.numeric.find((i) => names.some((name) => this.columns[i].name.startsWith(name)));
  }
  valuesOf(column) {
    return [...new Set(this.rows.map((row) => row[column]))].sort(compareKeys);
  }
  matches(row) {
    const cells = this.rows[row];
    return [...this.values].every(([column, value]) => String(cells[column]) === value)
      && [...this.ranges].every(([column, [least, most]]) => (least === null || (cells[column] !== null && cells[column] >= least))
        && (most === null || (cells[column] !== null && cells[column] <= most)));
  }
  // The points of `rows` than which none is as good in both columns and better in one, by the first.
  front(rows, x, y) {
    const sign = (column) => (MORE_IS_BETTER.test(this.columns[column].name) ? -1 : 1);
    const [a, b] = [sign(x), sign(y)];
    const known = rows.filter((row) => this.rows[row][x] !== null && this.rows[row][y] !== null);
    known.sort((p, q) => a * (this.rows[p][x] - this.rows[q][x]) || b * (this.rows[p][y] - this.rows[q][y]));
    const front = [];
    for (const row of known) {
      const last = this.rows[front[front.length - 1]];
      const equal = last && last[x] === this.rows[row][x] && last[y] === this.rows[row][y];
      if (!last || equal || b * this.rows[row][y] < b * last[y]) {
        front.push(row);
      }
    }
    return front;
  }
  describe(row) {
    return this.parameters.map((i) => `${this.columns[i].name} ${this.rows[row][i]}`).join(', ');
  }
}

// Meanings have their words of code in backquotes.
const unquoted = (text) => text.replaceAll('`', '');

// --- which points ----------------------------------------------------------------------------------

function sweptSection(sweep) {
  const reasons = new Map();
  for (const row of sweep.refused) {
    const reason = sweep.rows[row][sweep.message] || 'no reason is told';
    reasons.set(reason, (reasons.get(reason) || 0) + 1);
  }
  return section('swept', 'What was swept', {docs: 'sweep-file.md'},
    el('ul', {class: 'lines'},
      line(counter('done', sweep.done.length), ' points ran, ', counter('refused', sweep.refused.length), ' were refused.'),
      sweep.parameters.map((i) => line(el('code', {}, sweep.columns[i].name), ': ', sweep.columns[i].meaning ? el('span', {class: 'quiet'}, `(${unquoted(sweep.columns[i].meaning)}) `) : '',
        sweep.valuesOf(i).slice(0, 24).map((value, n) => [n ? ', ' : '', el('code', {}, String(value))]), sweep.valuesOf(i).length > 24 ? [', and others, ', counter('values', sweep.valuesOf(i).length), ' in all'] : '')),
      sweep.columns_left_out > 0 ? line('Not on this page: ', counter('columns_left_out', sweep.columns_left_out), ' other columns (report --columns chooses).') : null,
      sweep.rows_left_out > 0 ? line('Not on this page: ', counter('rows_left_out', sweep.rows_left_out), ' further points, behind these (report --where, --sort and --pareto ask all of them).') : null),
    reasons.size ? [el('h3', {}, 'Why points were refused'), new Table('Refusals', ['points', 'reason'], [...reasons].map(([reason, n]) => [n, reason]), {long: 1}).node] : null);
}

// --- how they lie to each other --------------------------------------------------------------------

const unitText = (column) => ({pJ: '', s: '', bit: '', share: '', less: ''}[column.unit] ?? column.unit);
const axisName = (column) => [column.name, unitText(column) && `(${unitText(column)})`].filter(Boolean).join(' ');

function filterSection(sweep, changed) {
  const number = el('p', {role: 'status'});
  const tell = () => {
    const there = sweep.done.filter((row) => sweep.matches(row)).length;
    number.replaceChildren(counter('matching', there), ' of ', counter('done', sweep.done.length), ' points are shown.');
    changed();
  };
  const parameters = sweep.parameters.filter((i) => sweep.valuesOf(i).length > 1 && sweep.valuesOf(i).length <= 100);
  const ranged = {column: sweep.find('mf_mac_time_s') ?? sweep.numeric[0]};
  const [least, most] = ['least', 'most'].map((bound, end) => {
    const id = freshId('bound');
    const input = el('input', {id, type: 'text', inputmode: 'decimal', size: '9', onchange: () => {
      const range = sweep.ranges.get(ranged.column) || [null, null];
      const value = Number(input.value);
      range[end] = input.value.trim() === '' || Number.isNaN(value) ? null : value;
      sweep.ranges.set(ranged.column, range);
      tell();
    }});
    return {input, node: el('label', {for: id}, bound, input)};
  });
  const shown = () => [least, most].forEach(({input}, end) => { input.value = (sweep.ranges.get(ranged.column) || [])[end] ?? ''; });
  const node = section('which', 'Which points', {},
    el('p', {class: 'quiet'}, 'What is asked for here holds for all that follows.'),
    el('div', {class: 'controls'}, parameters.map((i) => choice(sweep.columns[i].name, [['', 'all'], ...sweep.valuesOf(i).map((value) => [String(value), String(value)])], '', (value) => {
      if (value === '') {
        sweep.values.delete(i);
      } else {
        sweep.values.set(i, value);
      }
      tell();
    }))),
    el('div', {class: 'controls'}, choice('range of', sweep.numeric.map((i) => [String(i), sweep.columns[i].name]), String(ranged.column), (value) => { ranged.column = Number(value); shown(); }),
      least.node, most.node, el('span', {class: 'quiet'}, 'in the units of sweep.csv')), number);
  tell();
  return node;
}

// Points by the values of a parameter: [{name, colour, rows}].
function groupsBy(sweep, column, rows) {
  const values = sweep.valuesOf(column);
  const shade = (i) => (values.length <= FEW_VALUES ? palette(i) : mixed(colour('c0'), colour('c1'), i / (values.length - 1)));
  return values.map((value, i) => ({name: String(value), shade: shade(i), colour: `c${i}`, few: values.length <= FEW_VALUES,
    rows: rows.filter((row) => sweep.rows[row][column] === value)}));
}

function mixed(from, to, part) {
  const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [a, b] = [channels(from), channels(to)];
  return `rgb(${a.map((value, i) => Math.round(value + (b[i] - value) * part)).join(',')})`;
}

function pointLines(sweep, row, columns) {
  return [`point ${sweep.rows[row][0]}`, ...sweep.parameters.map((i) => `${sweep.columns[i].name}: ${sweep.rows[row][i]}`),
    ...columns.map((i) => `${sweep.columns[i].name}: ${new Cell(row, i).text}`)];
}

function scatterSection(sweep, choose) {
  const view = {
    x: sweep.find('mf_mac_time_s') ?? sweep.numeric[0],
    y: sweep.find('energy[mf_mac') ?? sweep.numeric[1] ?? sweep.numeric[0],
    by: sweep.parameters.find((i) => sweep.valuesOf(i).length > 1) ?? sweep.parameters[0],
    scale: 'auto',
  };
  const body = el('div');
  const render = () => {
    const rows = sweep.done.filter((row) => sweep.matches(row));
    const {x, y} = view;
    const front = sweep.front(rows, x, y);
    // Logarithmic where it can be, and unless somebody chose it only where values lie far apart.
    const isLog = (column) => {
      const values = rows.map((row) => sweep.rows[row][column]).filter((value) => value !== null);
      const [least, most] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
      return least > 0 && (view.scale === 'log' || (view.scale === 'auto' && most > 20 * least));
    };
    const axis = (column, gap) => ({type: isLog(column) ? 'log' : 'value', scale: true, name: axisName(sweep.columns[column]), nameLocation: 'middle', nameGap: gap,
      ...(isLog(column) ? {min: 'dataMin', max: 'dataMax'} : {}), axisLabel: {formatter: (value) => formatted(Number(value.toPrecision(3)), sweep.columns[column].unit)}});
    const chart = new Chart(`${rows.length} points: ${sweep.columns[y].name} over ${sweep.columns[x].name}, and their Pareto front of ${front.length}`, 480, () => {
      const groups = groupsBy(sweep, view.by, rows);
      const at = (row) => ({value: [sweep.rows[row][x], sweep.rows[row][y]], row, symbolSize: sweep.chosen.has(row) ? 18 : 8,
        itemStyle: sweep.chosen.has(row) ? {borderColor: colour('text'), borderWidth: 3} : undefined});
      return {
        grid: {left: 40, right: 24, top: 12, bottom: 36, containLabel: true},
        tooltip: {trigger: 'item', formatter: ({data: item}) => tip(...pointLines(sweep, item.row, [x, y]))},
        xAxis: axis(x, 28), yAxis: axis(y, 62),
        series: [
          {name: 'front', type: 'line', symbol: 'none', silent: true, lineStyle: {color: colour('text'), width: 1.5, type: 'dashed'},
            data: front.map((row) => ({value: [sweep.rows[row][x], sweep.rows[row][y]], row}))},
          ...groups.map(({name, shade, rows: some}) => ({name, type: 'scatter', progressive: 0, itemStyle: {color: shade, opacity: 0.8}, data: some.map(at)})),
        ],
      };
    }, {canvas: true, onclick: ({data: item}) => item && item.row !== undefined && choose(item.row)});
    const groups = groupsBy(sweep, view.by, rows);
    const marks = groups[0] && groups[0].few ? groups.map(({name, colour: own}) => ({name: `${sweep.columns[view.by].name} ${name}`, colour: own, symbol: '\u25CF'}))
      : [{name: `${sweep.columns[view.by].name} ${groups[0].name}`, colour: 'c0', symbol: '\u25CF'}, {name: `to ${groups[groups.length - 1].name}`, colour: 'c1', symbol: '\u25CF'}];
    const better = (column) => `${MORE_IS_BETTER.test(sweep.columns[column].name) ? 'more' : 'less'} ${sweep.columns[column].name}`;
    const table = pointTable(sweep, 'On the front', front, [x, y], choose, false);
    body.replaceChildren(legend(marks), chart.node,
      el('p', {}, counter('front', front.length), ` points are on the Pareto front (dashed): none has both ${better(x)} and ${better(y)}. A click on a point chooses it.`), table.node);
  };
  const numeric = sweep.numeric.map((i) => [String(i), sweep.columns[i].name]);
  const node = section('scatter', 'How the points lie to each other', {docs: 'sweep-file.md', about: aboutPoints(sweep)},
    el('div', {class: 'controls'},
      choice('across', numeric, String(view.x), (value) => { view.x = Number(value); render(); }),
      choice('up', numeric, String(view.y), (value) => { view.y = Number(value); render(); }),
      choice('colour by', sweep.parameters.map((i) => [String(i), sweep.columns[i].name]), String(view.by), (value) => { view.by = Number(value); render(); }),
      choice('axes', [['auto', 'as it fits'], ['log', 'logarithmic'], ['value', 'linear']], 'auto', (value) => { view.scale = value; render(); })), body);
  return {node, render};
}

function aboutPoints(sweep) {
  return sweep.columns.filter(({meaning, parameter}) => meaning && !parameter).map(({name, unit, meaning}) => [unit && unit !== 'share' && unit !== 'less' ? `${name} (${unit})` : name, meaning]);
}

// --- many columns at once --------------------------------------------------------------------------

const MOST_LINES = 2000;

function parallelSection(sweep) {
  const first = [...sweep.parameters.filter((i) => sweep.valuesOf(i).length > 1), sweep.find('mf_mac_time_s'), sweep.find('mf_mac_utilization'), sweep.find('energy[mf_mac'), sweep.find('reduction[fp32_mac')]
    .filter((i) => i !== undefined).slice(0, 8);
  const shown = new Set(first);
  const body = el('div');
  const render = () => {
    const columns = sweep.columns.map((_, i) => i).filter((i) => shown.has(i));
    const matching = sweep.done.filter((row) => sweep.matches(row));
    const step = Math.max(1, Math.ceil(matching.length / MOST_LINES));
    const rows = matching.filter((_, i) => i % step === 0);
    const categorical = (i) => !sweep.numeric.includes(i) || (sweep.columns[i].parameter && sweep.valuesOf(i).length <= 24);
    const chart = new Chart(`${rows.length} points as lines over ${columns.map((i) => sweep.columns[i].name).join(', ')}`, 420, () => ({
      parallel: {left: 60, right: 160, top: 70, bottom: 24},
      tooltip: {show: false},
      parallelAxis: columns.map((i, dim) => ({dim, name: shortName(sweep.columns[i].name), nameRotate: 14, nameTextStyle: {color: colour('text')},
        type: categorical(i) ? 'category' : 'value', data: categorical(i) ? sweep.valuesOf(i).map(String) : undefined, scale: true, min: categorical(i) ? undefined : 'dataMin', max: categorical(i) ? undefined : 'dataMax',
        axisLine: {lineStyle: {color: colour('quiet')}}, axisLabel: {color: colour('text'), formatter: categorical(i) ? undefined : (value) => formatted(Number(value.toPrecision(3)), sweep.columns[i].unit)}})),
      series: [false, true].map((marked) => ({type: 'parallel', progressive: 0, silent: true, z: marked ? 3 : 2,
        lineStyle: {color: colour(marked ? 'c1' : 'c0'), width: marked ? 3 : 1, opacity: marked ? 1 : Math.max(0.06, Math.min(0.6, 60 / rows.length))},
        data: (marked ? [...sweep.chosen].filter((row) => sweep.matches(row)) : rows).map((row) => columns.map((i) => (sweep.rows[row][i] === null ? '-' : categorical(i) ? String(sweep.rows[row][i]) : sweep.rows[row][i])))})),
    }), {canvas: true});
    chart.node.style.minWidth = `${120 * columns.length}px`;
    const wide = el('div', {class: 'across', role: 'region', 'aria-label': 'Chart: many columns at once', tabindex: '0'}, chart.node);
    body.replaceChildren(columns.length > 1 ? wide : el('p', {}, 'Choose two columns or more.'),
      step > 1 ? el('p', {class: 'quiet'}, counter('lines', rows.length), ' of ', counter('matching', matching.length), ' points are drawn, each ', counter('step', step), 'th; what is asked for above makes them fewer.') : '');
  };
  const boxes = [...sweep.parameters, ...sweep.numeric.filter((i) => !sweep.columns[i].parameter)].map((i) => {
    const id = freshId('shown');
    return el('label', {for: id}, el('input', {id, type: 'checkbox', checked: shown.has(i), onchange: (event) => {
      if (event.target.checked) {
        shown.add(i);
      } else {
        shown.delete(i);
      }
      render();
    }}), sweep.columns[i].name);
  });
  const node = section('parallel', 'Many columns at once', {about: aboutPoints(sweep)},
    el('p', {class: 'quiet'}, 'Each line is a point; those that are chosen stand out.'), body,
    el('fieldset', {}, el('legend', {}, 'Columns'), el('div', {class: 'controls'}, boxes)));
  return {node, render};
}

// --- the points ------------------------------------------------------------------------------------

class PointRow {
  constructor(sweep, row, columns, choose) {
    Object.assign(this, {sweep, row, columns, choose, made: null});
  }
  get chosen() { return this.sweep.chosen.has(this.row); }
  get cells() {
    if (!this.made) {
      const number = this.sweep.rows[this.row][0];
      this.made = [number, ...this.columns.map((i) => (this.sweep.numeric.includes(i) ? new Cell(this.row, i) : String(this.sweep.rows[this.row][i] ?? '')))];
    }
    return this.made;
  }
}

// A table of points; a button in front of each chooses it.
function pointTable(sweep, label, rows, figures, choose, filter) {
  const columns = [...sweep.parameters, ...figures.filter((i) => !sweep.parameters.includes(i))];
  const table = new Table(label, ['point', ...columns.map((i) => ({text: sweep.columns[i].name, title: sweep.columns[i].meaning}))],
    rows.map((row) => new PointRow(sweep, row, columns, choose)), {filter, textual: [false, ...columns.map((i) => !sweep.numeric.includes(i))],
      first: (row) => el('button', {type: 'button', 'aria-pressed': String(row.chosen), onclick: () => choose(row.row)}, counter('point', row.cells[0]))});
  return table;
}

function pointsSection(sweep, choose) {
  const figures = sweep.numeric.filter((i) => !sweep.columns[i].parameter);
  const table = pointTable(sweep, 'All points', sweep.done, figures, choose, true);
  table.keep = (row) => sweep.matches(row.row);
  const chosen = el('div');
  const render = () => {
    table.render();
    const some = [...sweep.chosen];
    chosen.replaceChildren(...(some.length ? [el('h3', {}, 'Chosen'), pointTable(sweep, 'Chosen points', some, figures, choose, false).node] : []));
  };
  return {node: section('points', 'All points', {docs: 'sweep-file.md', about: aboutPoints(sweep)},
    el('p', {class: 'quiet'}, 'The button with a point\'s number chooses it: it is marked in the charts above.'), chosen, table.node), render};
}

// All sections, linked by what is asked for and what is chosen.
function sweepSections(sweep) {
  const parts = [];
  const changed = () => parts.forEach((part) => part.render());
  const choose = (row) => {
    if (!sweep.chosen.delete(row)) {
      sweep.chosen.add(row);
    }
    changed();
  };
  if (sweep.done.length === 0 || sweep.numeric.length === 0) {
    return [sweptSection(sweep)];
  }
  parts.push(scatterSection(sweep, choose), parallelSection(sweep), pointsSection(sweep, choose));
  return [sweptSection(sweep), filterSection(sweep, changed), ...parts.map((part) => part.node)];
}
