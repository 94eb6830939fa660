// Figures: numbers of the reports in this page, and sums and shares of them. Each knows where it is
// from, so that it can say so, and so that a test can look it up in report.json.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);

// The value at a dotted path; undefined where it is not there.
function valueAt(tree, path) {
  return path.split('.').reduce((node, key) => (node == null ? undefined : node[key]), tree);
}

const SHARES = new Set(['utilization', 'memory.roofline', 'memory.bandwidth_used']);

// What the lists of columns say of a path: {unit, meaning}.
const described = new Map();
for (const kind of ['machine', 'energy']) {
  for (const column of (data.columns || {})[kind] || []) {
    const unit = SHARES.has(column.path) ? 'share' : column.unit;
    described.set(`${kind} ${column.path}`, {unit, meaning: column.meaning});
  }
}
const OTHERS = [
  [/(^|\.)(reduction|mf_mac_saves)$/, 'less', 'how much less it takes: 1 - its energy / the other\'s'],
  [/^methods\.\d+\.per_mac$/, 'pJ', 'energy for each MAC'],
  [/^methods\.\d+\.total$/, 'pJ', 'energy of the same work done in this way'],
  [/^step\.energy\.\d+\.gemms_share$/, 'share', 'what the GEMMs take of the whole step'],
  [/^step\.energy\.\d+\.gemms$/, 'pJ', 'energy of the GEMMs of the step'],
  [/^step\.energy\.\d+\.parts\.\d+\.energy$/, 'pJ', 'energy of this part of the step'],
  [/^step\.energy\.\d+\.total(_dram_high)?$/, 'pJ', 'energy of the whole training step'],
  [/^assumed\.energy\.\d+\.total_zeros_gated$/, 'pJ', 'expected, by the assumed densities: without the arithmetic of MACs that have a zero operand'],
  [/^assumed\.zero_operand_macs$/, 'MAC', 'expected, by the assumed densities: MACs with a zero operand'],
  [/\.by_action\.\w+\.(charged|fired)$/, 'operation', 'operations that were priced, and that the engine counted'],
  [/^selection\.left_out$/, 'pass', 'passes of the workload that the selection leaves out'],
];

function describe(path) {
  const machine = /^(?:passes\.\d+|totals)\.machines\.\w+\.(.+)$/.exec(path);
  if (machine) {
    return described.get(`machine ${machine[1]}`) || {unit: '', meaning: ''};
  }
  const energy = /^energy\.\d+\.(?:by_(?:layer|pass|gemm)\.\d+\.)?(.+)$/.exec(path);
  if (energy && described.has(`energy ${energy[1]}`)) {
    return described.get(`energy ${energy[1]}`);
  }
  const other = OTHERS.find(([pattern]) => pattern.test(path));
  return other ? {unit: other[1], meaning: other[2]} : {unit: '', meaning: ''};
}

// A number that is shown: `value` (null: not known), `unit`, `meaning`; `attributes` of its element say
// where it is from, `told` are lines for who points at it.
class Shown {
  get text() {
    return this.value === null ? 'not known' : formatted(this.value, this.unit);
  }
  // All digits, for who looks closely.
  get exactly() {
    if (this.value === null) {
      return 'Not known: there is no value for it.';
    }
    return this.unit === 'share' || this.unit === 'less' ? String(this.value) : `${this.value} ${this.unit}`.trimEnd();
  }
}

// Sum of `parts` (paths; one that begins with "-" is taken off), over the sum of `whole` if there is
// one, and 1 less that with `less`. Not known where one of them is not.
class Figure extends Shown {
  constructor(run, parts, {whole = [], less = false, unit = null, meaning = null} = {}) {
    super();
    this.run = run;
    this.parts = [].concat(parts);
    this.whole = [].concat(whole);
    this.less = less;
    const said = describe(this.parts[0].replace('-', ''));
    this.unit = unit || (less ? 'less' : this.whole.length ? 'share' : said.unit);
    this.meaning = meaning || said.meaning;
    this.value = this.compute();
  }

  compute() {
    const sum = (paths) => paths.reduce((total, path) => {
      const value = valueAt(data.runs[this.run], path.replace('-', ''));
      return total === null || typeof value !== 'number' ? null
        : path.startsWith('-') ? total - value : total + value;
    }, 0);
    const part = sum(this.parts);
    if (!this.whole.length || part === null) {
      return part;
    }
    const whole = sum(this.whole);
    if (!whole) {
      return null;
    }
    return this.less ? 1 - part / whole : part / whole;
  }

  get attributes() {
    return {'data-run': this.run, 'data-parts': this.parts.join(' '), 'data-whole': this.whole.join(' ') || null, 'data-less': this.less};
  }
  get told() {
    const sources = sourcesOf(this);
    const lines = [this.exactly, this.meaning, `report.json: ${this.origin}`];
    for (const unit of sources.slice(0, 4)) {
      lines.push(`${unit.certainty}: ${unit.entry} ${Number(unit.value.toPrecision(4))} pJ, ${unit.source}`);
    }
    if (sources.length > 4) {
      lines.push('and others, see "Where the numbers are from"');
    }
    return lines;
  }
  // Where it is from, for people.
  get origin() {
    const sum = (paths) => paths.map((path, i) =>
      path.startsWith('-') ? ` - ${path.slice(1)}` : (i ? ` + ${path}` : path)).join('');
    const part = sum(this.parts);
    if (!this.whole.length) {
      return part;
    }
    const over = `(${part}) / (${sum(this.whole)})`;
    return this.less ? `1 - ${over}` : over;
  }
}

const SURENESS = ['read', 'recalled', 'assumed'];

// The unit energies that an energy rests on, the least sure first.
function sourcesOf(figure) {
  const entries = new Map();
  for (const path of figure.parts.concat(figure.whole)) {
    const place = /^-?((?:step\.)?energy\.\d+)\./.exec(path);
    for (const unit of (place && valueAt(data.runs[figure.run], `${place[1]}.unit_energies`)) || []) {
      entries.set(unit.entry, unit);
    }
  }
  return [...entries.values()].sort((a, b) => SURENESS.indexOf(b.certainty) - SURENESS.indexOf(a.certainty));
}

// --- numbers as text -------------------------------------------------------------------------------

// Three significant digits and a prefix, as the program's tables have them.
function scaled(value, prefixes, unit) {
  let step = 0;
  let size = Math.abs(value);
  while (size >= 999.5 && step + 1 < prefixes.length) {
    size /= 1000;
    step += 1;
  }
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return `${value < 0 ? '-' : ''}${size.toFixed(decimals)} ${prefixes[step]}${unit}`.trimEnd();
}

function counted(value) {
  return Number.isInteger(value) && Number.isSafeInteger(value) ? value.toLocaleString('en-US')
    : scaled(value, ['', 'k', 'M', 'G', 'T', 'P', 'E'], '');
}

function formatted(value, unit) {
  switch (unit) {
    case 'pJ': return Math.abs(value) < 10 ? `${Number(value.toPrecision(4))} pJ` : scaled(value, ['p', 'n', '\u00b5', 'm', '', 'k', 'M'], 'J');
    case 's': return scaled(value * 1e9, ['n', '\u00b5', 'm', ''], 's');
    case 'bit': return scaled(value / 8, ['', 'k', 'M', 'G', 'T', 'P'], 'B');
    case 'share': return `${(100 * value).toFixed(1)}%`;
    case 'less': return `${(100 * value).toFixed(2)}%`;
    case 'J s': return `${value.toExponential(2)} J\u00b7s`;
    case 'W': case 'TOPS/W': case 'MAC/B': case 'MAC/cycle': case 'bit/MAC': case 'GB/s': case 'MHz':
      return `${Number(value.toPrecision(3))} ${unit}`;
    case 'bits changed': return `${scaled(value, ['', 'k', 'M', 'G', 'T', 'P'], '')} bits`;
    case '': return Number.isInteger(value) ? counted(value) : String(Number(value.toPrecision(4)));
    case 'cycle': case 'MAC': case 'event': case 'operation': case 'write': case 'word': case 'burst': case 'pass': case 'input':
      return counted(value);
    default: return `${Number.isInteger(value) ? counted(value) : Number(value.toPrecision(4))} ${unit}`;
  }
}
