// What one run shows, section by section.
'use strict';

class Run {
  constructor(index) {
    this.index = index;
    this.report = data.runs[index];
    this.machines = Object.keys(this.report.totals.machines);
  }
  at(path) { return valueAt(this.report, path); }
  figure(parts, options) { return new Figure(this.index, parts, options); }
  label(machine) { return this.report.labels[machine]; }
  total(machine, path, options) { return this.figure(`totals.machines.${machine}.${path}`, options); }
  has(path) { return this.at(path) !== null && this.at(path) !== undefined; }
  get priced() {  // each table and accounting: {table, accounting, key}
    const pairs = new Map();
    for (const {table, accounting} of this.report.energy) {
      pairs.set(`${table}, ${accounting}`, {table, accounting, key: `${table}, ${accounting}`});
    }
    return [...pairs.values()];
  }
  // The place of a machine's energy in the report; -1 where there is none.
  energyOf(machine, {table, accounting}) {
    return this.report.energy.findIndex((one) =>
      one.machine === machine && one.table === table && one.accounting === accounting);
  }
  comparison({table, accounting}, to, {gated = false, high = false} = {}) {
    const i = this.report.comparisons.findIndex((one) => one.to === to && one.table === table
      && one.accounting === accounting && one.zeros_gated === gated && one.dram_high === high);
    return i < 0 ? null : this.figure(`comparisons.${i}.reduction`);
  }
  // How much less MF-MAC takes than FP32 of the whole training step; null where nobody knows.
  stepReduction({table, accounting}) {
    const i = (this.report.step || {comparisons: []}).comparisons.findIndex((one) => one.to === 'fp32_mac' && one.table === table
      && one.accounting === accounting && !one.dram_high);
    return i < 0 ? null : this.figure(`step.comparisons.${i}.reduction`);
  }
  passName(i) { return `${this.report.passes[i].layer} ${this.report.passes[i].pass}`; }
}

// A choice of `view.machine`, which is drawn anew then.
function machineChoice(run, view, render, machines = run.machines) {
  return choice('machine', machines.map((machine) => [machine, run.label(machine)]), view.machine, (value) => { view.machine = value; render(); });
}

const line = (...parts) => el('li', {}, ...parts);
const fileName = (path) => path.split('/').pop();

// --- what was simulated, and what is not in it -----------------------------------------------------

function simulatedLines(run) {
  const {workload, architecture, engine, potomac, machines} = run.report;
  const first = machines[run.machines[0]];
  const dimensions = Object.entries(workload.dimensions || {}).map(([name, value]) => `${name} = ${value}`).join(', ');
  const values = {captured: 'values captured in training', synthetic: `synthetic values (${workload.synthesis})`, none: 'shapes only, no values'};
  const lines = [line('Workload: ', el('b', {}, fileName(workload.trace)), `: ${[workload.model, workload.dataset].filter(Boolean).join(', ')}`,
    workload.framework ? `, ${workload.framework}` : '', `, ${values[workload.values] || workload.values}`,
    dimensions ? `, ${dimensions}` : '', workload.batch === null ? '.' : [', ', run.figure('workload.batch', {unit: 'input', meaning: 'inputs of a step'}), ' inputs a step.'])];
  lines.push(line('Machine: ', run.figure(`machines.${run.machines[0]}.array.rows`, {meaning: 'rows of the array'}), ' x ',
    run.figure(`machines.${run.machines[0]}.array.cols`, {meaning: 'columns of the array'}), ` PEs of ${run.label(run.machines[0])}, dataflow ${architecture.array.dataflow}, ${architecture.array.issue} issue, `,
    run.figure(`machines.${run.machines[0]}.clock_mhz`, {unit: 'MHz', meaning: 'the clock of the array'}),
    `; beside it the same array of ${run.machines.slice(1).map((m) => run.label(m)).join(', ')}`,
    machines.fp32_mac && machines.fp32_mac.operands === 'originals' ? ', which compute with the originals of W, A and G.' : ', which compute with the values that the codes stand for.'));
  const {accumulator} = architecture.pe;
  lines.push(line('Accumulator: ', run.figure('architecture.pe.accumulator.bits', {unit: 'bits', meaning: 'the accumulator\'s width'}),
    ', lowest bit 2^', typeof accumulator.lsb === 'number' ? run.figure('architecture.pe.accumulator.lsb', {meaning: 'its lowest bit weighs 2^lsb'}) : ` ${accumulator.lsb}`,
    `, ${accumulator.overflow} on overflow.`));
  lines.push(line('Memory: ', memoryText(run)));
  lines.push(line(`Counted by Potomac ${potomac ? `${potomac.version} (build ${potomac.build})` : 'of before'}, engine ${engine}.`));
  return lines;
}

function memoryText(run) {
  const {memory} = run.report.architecture;
  if (!memory) {
    return 'none was simulated: the array never waits.';
  }
  const pads = ['first', 'second', 'results'].map((name, i) => [i ? ', ' : '', `${name} `,
    run.figure(`architecture.memory.${name}.kib`, {unit: 'KiB', meaning: 'size of the scratchpad'}), memory[name].double_buffered ? ' (two halves)' : '']);
  const dram = run.report.dram_preset
    ? [`; DRAM ${run.report.dram_preset.name}, `, run.figure('dram_gb_s', {unit: 'GB/s', meaning: 'DRAM\'s bandwidth'}), '.']
    : run.report.dram_gb_s === null ? '; DRAM is ideal.' : ['; DRAM of ', run.figure('dram_gb_s', {unit: 'GB/s', meaning: 'DRAM\'s bandwidth'}), '.'];
  return ['scratchpads ', ...pads, ...dram];
}

const OMITTED = {
  operation: 'Energy by accounting operation is that of arithmetic: no registers, clock, scratchpads, DRAM, control, wires, leakage, and nothing for bringing a product to its place in the accumulator.',
  structural: 'Energy by accounting structural has no control, no wires, no leakage, no clock tree, nothing of DRAM but its bits, and nothing for bringing a product to its place in the accumulator.',
};

function missingLines(run) {
  const {report} = run;
  const lines = [];
  if (report.selection.left_out > 0) {
    lines.push(line(run.figure('selection.left_out'), ` passes of the workload: only layers ${report.selection.layers.join(', ')}, passes ${report.selection.passes.join(', ')} were asked for.`));
  }
  lines.push(...notIncludedLines(report.workload.not_included));
  for (const accounting of new Set(report.energy.map((one) => one.accounting))) {
    lines.push(line(OMITTED[accounting] || accounting));
  }
  if (!report.architecture.memory) {
    lines.push(line('A memory: no stalls, no traffic, no energy of scratchpads and DRAM.'));
  }
  if (!report.step) {
    lines.push(line('The rest of a training step: quantizing tensors and updating weights (run --step has it).'));
  }
  if (!run.has('totals.machines.mf_mac.toggles')) {
    lines.push(line('Register bits that change: they were not counted (run --toggles).'));
  }
  if (!run.has('totals.machines.mf_mac.actions.overflow')) {
    lines.push(line('Whether accumulators overflow: sums would tell (engine fast).'));
  }
  if (report.passes_not_shown > 0) {
    lines.push(line('On this page, the last ', run.figure('passes_not_shown', {unit: 'pass', meaning: 'passes of the report that this page leaves out'}), ' passes. Totals have them.'));
  }
  return lines;
}

// What the workload leaves out of the network, by reason; of many parts some are folded away.
function notIncludedLines(parts) {
  const byReason = new Map();
  for (const {name, kind, reason} of parts) {
    byReason.set(reason, [...(byReason.get(reason) || []), `${name} (${kind})`]);
  }
  return [...byReason].map(([reason, names]) => (names.length <= 12 ? line(`${names.join(', ')}: ${reason}`)
    : line(counter('not_included', names.length), ` parts of the network: ${reason}`, el('details', {}, el('summary', {}, 'Which'), names.join(', ')))));
}

// Where more results than these overflowed it is not by the way that they are told of.
const MANY_OVERFLOWED = 1e-4;

function overflowWarning(run) {
  const results = run.report.passes.reduce((sum, pass) => sum + pass.gemms.reduce((one, {count, m, n}) => one + count * m * n, 0), 0);
  const overflowed = run.at('totals.machines.mf_mac.actions.overflowed_result');
  return overflowed > MANY_OVERFLOWED * results && run.report.passes_not_shown === 0 ? el('p', {class: 'warning'},
    run.total('mf_mac', 'actions.overflowed_result'), ' results of ', counter('results', results), ' overflowed their accumulator. A network may not train with such sums; a higher pe.accumulator.lsb has room for larger ones.') : null;
}

function trainedOtherwise(run) {
  return run.report.passes.filter((pass) => {
    const trained = pass.trained_with;
    const here = pass.machines.mf_mac.accumulator;
    if (!trained || !here || here.bits === null) {
      return false;
    }
    return trained === 'fp32' || trained.bits !== here.bits || trained.lsb !== here.lsb
      || trained.overflow !== run.report.architecture.pe.accumulator.overflow;
  });
}

function simulatedSection(run) {
  const other = run.has('architecture.pe.accumulator.overrides') ? [] : trainedOtherwise(run);
  return section('simulated', 'What was simulated', {docs: 'report.md'},
    el('ul', {class: 'lines'}, simulatedLines(run)),
    other.length ? el('p', {class: 'warning'}, 'The training that this trace is from summed otherwise in ', counter('trained_otherwise', other.length), ' of ',
      counter('passes', run.report.passes.length), ` passes: first in ${other[0].layer} ${other[0].pass}.`) : null,
    el('h3', {}, 'What is not in it'), el('ul', {class: 'lines'}, missingLines(run)));
}

// --- totals, in a sentence each --------------------------------------------------------------------

function totalsSection(run, priced) {
  const mf = 'mf_mac';
  const fp = 'fp32_mac';
  const energies = [mf, fp].map((machine) => run.energyOf(machine, priced));
  const energy = (i, path) => run.figure(`energy.${energies[i]}.${path}`);
  const less = run.comparison(priced, fp);
  const tiles = el('dl', {class: 'tiles'},
    [['Energy of MF-MAC', energy(0, 'total')], ['Less than FP32', less], ['Time', run.total(mf, 'time_s')], ['Utilization', run.total(mf, 'utilization')]]
      .filter(([, figure]) => figure).map(([name, figure]) => el('div', {}, el('dt', {}, name), el('dd', {}, figure))));
  const lines = [
    line('The ', run.label(mf), ' array takes ', run.total(mf, 'cycles.total'), ' cycles, ', run.total(mf, 'time_s'), ', for ',
      run.total(mf, 'macs'), ' MACs: a utilization of ', run.total(mf, 'utilization'), '. ', run.label(fp), ' takes ', run.total(fp, 'cycles.total'), ' cycles.'),
    line(`By table ${priced.table}, accounting ${priced.accounting}, it takes `, energy(0, 'total'), ', ', run.label(fp), ' ', energy(1, 'total'), less ? [': ', less, ' less.'] : '.'),
  ];
  const gated = run.comparison(priced, fp, {gated: true});
  if (gated) {
    lines.push(line('With the arithmetic of MACs that have a zero operand taken off both sides: ', energy(0, 'total_zeros_gated'), ' and ', energy(1, 'total_zeros_gated'), ', ', gated, ' less.'));
  }
  const high = run.comparison(priced, fp, {high: true});
  if (high) {
    lines.push(line('With DRAM at the high end of the table\'s range: ', energy(0, 'total_dram_high'), ' and ', energy(1, 'total_dram_high'), ', ', high, ' less.'));
  }
  for (const i of [0, 1]) {
    lines.push(line(run.label([mf, fp][i]), ': ', energy(i, 'power_w'), ', ', energy(i, 'tops_per_w'), ', energy-delay product ', energy(i, 'energy_delay_js'),
      run.has(`energy.${energies[i]}.energy_per_input`) ? [', ', energy(i, 'energy_per_input'), ' an input.'] : '.'));
  }
  lines.push(zerosLine(run), accumulatorsLine(run));
  if (run.has(`totals.machines.${mf}.memory`)) {
    lines.push(line('Between DRAM and scratchpads: ', run.figure([`totals.machines.${mf}.memory.dram.read_bits`, `totals.machines.${mf}.memory.dram.written_bits`]), ', ',
      run.label(fp), ' ', run.figure([`totals.machines.${fp}.memory.dram.read_bits`, `totals.machines.${fp}.memory.dram.written_bits`]), '; if each element were moved once, ',
      run.total(mf, 'memory.compulsory_bits'), ' and ', run.total(fp, 'memory.compulsory_bits'), '. The arrays wait ',
      run.figure(`totals.machines.${mf}.cycles.stall`, {whole: `totals.machines.${mf}.cycles.total`}), ' and ', run.figure(`totals.machines.${fp}.cycles.stall`, {whole: `totals.machines.${fp}.cycles.total`}), ' of their cycles.'));
  }
  if (run.report.step) {
    lines.push(...stepLines(run, priced));
  }
  if (run.report.assumed) {
    const {density} = run.report.assumed;
    lines.push(line('Assumed, not counted: densities ', ...Object.keys(density).map((tensor, i) => [i ? ', ' : '', `${tensor} = `, run.figure(`assumed.density.${tensor}`, {meaning: 'part of the tensor that is assumed not to be zero'})]),
      '. One would expect ', run.figure('assumed.zero_operand_macs'), ' MACs with a zero operand.'));
  }
  return section('totals', 'In all', {docs: 'report.md#columns'}, tiles, overflowWarning(run), el('ul', {class: 'lines'}, lines));
}

function zerosLine(run) {
  const macs = 'totals.machines.mf_mac.macs';
  const share = (kind) => run.figure(`totals.machines.mf_mac.zero_operand_macs.${kind}`, {whole: macs});
  return line('MACs with an operand that is zero: ', share('structural'), ' as it is padding or a hole, ', share('value'), ' as its value is.');
}

function accumulatorsLine(run) {
  const actions = 'totals.machines.mf_mac.actions';
  if (!run.has(`${actions}.overflow`)) {
    return line('Whether accumulators overflow is not known: sums would tell (engine fast).');
  }
  return line('Accumulators: ', run.figure(`${actions}.overflow`), ' sums left their range, ', run.figure(`${actions}.overflowed_result`), ' results show it, ',
    run.figure(`${actions}.dropped_product`), ' products below the lowest bit were dropped.');
}

function stepEnergy(run, machine, priced) {
  return run.report.step.energy.findIndex((one) => one.machine === machine && one.table === priced.table && one.accounting === priced.accounting);
}

function stepLines(run, priced) {
  const [mf, fp] = ['mf_mac', 'fp32_mac'].map((machine) => stepEnergy(run, machine, priced));
  const less = run.stepReduction(priced);
  return mf < 0 || fp < 0 ? [] : [line(`The whole training step with ${run.report.step.optimizer}: `, run.figure(`step.energy.${mf}.total`), ', FP32 ', run.figure(`step.energy.${fp}.total`),
    less ? [': ', less, ' less'] : '', '; the GEMMs are ', run.figure(`step.energy.${mf}.gemms_share`), ' and ', run.figure(`step.energy.${fp}.gemms_share`), ' of it.')];
}

// --- the way from the headline down ----------------------------------------------------------------

// What is counted, one thing after the other, and how much less MF-MAC takes then.
function wayDown(run, priced) {
  const [mf, fp] = ['mf_mac', 'fp32_mac'].map((machine) => run.energyOf(machine, priced));
  const there = data.components.filter(({name}) => run.has(`energy.${mf}.by_component.${name}`) && run.has(`energy.${fp}.by_component.${name}`));
  const steps = there.map(({label}, i) => {
    const upTo = there.slice(0, i + 1).map(({name}) => name);
    return [i === 0 ? `${label} alone` : `and ${label}`, run.figure(upTo.map((name) => `energy.${mf}.by_component.${name}`),
      {whole: upTo.map((name) => `energy.${fp}.by_component.${name}`), less: true, meaning: 'how much less MF-MAC takes than FP32, of what is counted so far'})];
  });
  const ofStep = run.stepReduction(priced);
  if (ofStep) {
    steps.push(['the whole training step', ofStep]);
  }
  return steps;
}

function waySection(run, priced) {
  const steps = wayDown(run, priced);
  const multiplier = run.comparison(priced, 'fp32_multiplier');
  const values = steps.map(([, figure]) => figure.value);
  const chart = new Chart(`How much less MF-MAC takes than FP32: ${steps.map(([name, figure]) => `${name} ${figure.text}`).join(', ')}`, 340, (narrow) => ({
    grid: {left: 8, right: 16, top: 24, bottom: 8, containLabel: true},
    tooltip: {trigger: 'axis', axisPointer: {type: 'shadow'}, formatter: (items) => tip(steps[items[0].dataIndex][0], `${steps[items[0].dataIndex][1].text} less than FP32`)},
    xAxis: {type: 'category', data: steps.map(([name]) => name), axisLabel: {interval: 0, hideOverlap: false, ...(narrow ? {rotate: 45} : {width: 110, lineHeight: 16, overflow: 'break'})}},
    yAxis: {type: 'value', max: 1, min: Math.min(0, ...values), axisLabel: {formatter: (value) => `${Math.round(100 * value)}%`}},
    series: [
      {type: 'bar', stack: 'way', silent: true, itemStyle: {color: 'transparent'}, data: values.map((value, i) => (i === 0 ? 0 : Math.min(value, values[i - 1])))},
      {type: 'bar', stack: 'way', barMaxWidth: 60, data: values.map((value, i) => ({
        value: i === 0 ? value : Math.max(Math.abs(value - values[i - 1]), 0.002),
        itemStyle: {color: i === 0 ? colour('c0') : value <= values[i - 1] ? colour('c7') : colour('c2')},
        label: {show: true, position: 'top', color: colour('text'), formatter: () => (narrow ? `${Math.round(100 * value)}%` : steps[i][1].text)},
      }))},
    ],
  }));
  const only = steps.length === 1 ? el('p', {}, 'This run is priced by its arithmetic alone. ', el('code', {}, 'potomac report DIR --energy horowitz-45nm --accounting structural --html FILE'),
    ' shows what is left of it with registers, clock, scratchpads and DRAM.') : null;
  return section('way', 'What is left of the headline', {docs: 'energy.md', about: [
    ['less than FP32', '1 - energy of the MF-MAC array / energy of the FP32 array, with all that is counted up to there.'],
    ['against the multiplier', 'The source paper\'s 95.8% is met by MF-MAC\'s unit energies against the FP32 multiplier without its adder.']]},
    el('p', {}, `How much less MF-MAC takes than FP32, as more is counted (table ${priced.table}):`), chart.node, only,
    multiplier ? el('p', {}, 'Against the FP32 multiplier alone, without its adder: ', multiplier, ' less.') : null,
    numbers(new Table('What is left of the headline', ['counted', 'MF-MAC takes less'], steps, {filter: false})));
}

// --- energy ----------------------------------------------------------------------------------------

const COMPONENT_COLOURS = ['c0', 'c2', 'c4', 'c3', 'c1'];

function energySection(run, priced) {
  const places = run.machines.map((machine) => [machine, run.energyOf(machine, priced)]).filter(([, place]) => place >= 0);
  const parts = data.components.map(({name, label}, i) => ({path: name, name: label, colour: COMPONENT_COLOURS[i]}))
    .filter(({path}) => places.some(([, place]) => run.has(`energy.${place}.by_component.${path}`)));
  const view = {by: 'component', machine: run.machines[0]};
  const body = el('div');
  const rowsOf = (list, place, nameOf) => run.at(`energy.${place}.${list}`).map((row, i) => ({
    name: nameOf(row), figures: parts.map(({path}) => run.figure(`energy.${place}.${list}.${i}.by_component.${path}`))}));
  const render = () => {
    const place = run.energyOf(view.machine, priced);
    const rows = view.by === 'component'
      ? places.map(([machine, at]) => ({name: run.label(machine), figures: parts.map(({path}) => run.figure(`energy.${at}.by_component.${path}`))}))
      : rowsOf({layer: 'by_layer', pass: 'by_pass', both: 'by_gemm'}[view.by], place,
        (row) => [row.layer, row.pass].filter(Boolean).join(' '));
    const what = view.by === 'component' ? 'Energy of each machine by component' : `Energy of ${run.label(view.machine)} by ${{layer: 'layer', pass: 'pass', both: 'layer and pass'}[view.by]}`;
    body.replaceChildren(...stackedBars(what, rows, parts, {unit: 'pJ', of: {component: 'machine', layer: 'layer', pass: 'pass', both: 'layer and pass'}[view.by]}).filter(Boolean));
  };
  const ofMachine = machineChoice(run, view, render, places.map(([machine]) => machine));
  const controls = el('div', {class: 'controls'},
    choice('by', [['component', 'machine and component'], ['layer', 'layer'], ['pass', 'pass'], ['both', 'layer and pass']], view.by, (value) => {
      view.by = value;
      ofMachine.hidden = value === 'component';
      render();
    }), ofMachine);
  ofMachine.hidden = true;
  render();
  const [mf, fp] = ['mf_mac', 'fp32_mac'].map((machine) => run.energyOf(machine, priced));
  const row = (name, path, total) => ({total, cells: [name, run.figure(`energy.${mf}.${path}`), run.figure(`energy.${mf}.${path}`, {whole: `energy.${mf}.total`, meaning: 'share of the total'}),
    run.figure(`energy.${fp}.${path}`), run.figure(`energy.${fp}.${path}`, {whole: `energy.${fp}.total`, meaning: 'share of the total'}),
    run.figure(`energy.${mf}.${path}`, {whole: `energy.${fp}.${path}`, less: true, meaning: 'how much less MF-MAC takes than FP32'})]});
  const table = new Table('Energy by component', ['component', 'MF-MAC', 'share', 'FP32', 'share', 'less than FP32'],
    [...parts.map(({path, name}) => row(name, `by_component.${path}`, false)), row('total', 'total', true)], {filter: false});
  const toggled = run.at(`energy.${mf}.registers`);
  return section('energy', 'Energy', {docs: 'energy.md', about: aboutColumns('energy', ['total', 'total_zeros_gated', 'power_w', 'tops_per_w', 'energy_delay_js', ...parts.map(({path}) => `by_component.${path}`)])},
    el('p', {}, `By table ${priced.table} (node: ${run.at(`energy.${mf}.node`)}), accounting ${priced.accounting}: every MAC is charged.`,
      toggled === 'writes' ? ' Registers from their writes: half of the bits are taken to change.' : toggled === 'toggles' ? ' Registers from the bits that changed.' : ''),
    controls, body, table.node);
}

function aboutColumns(kind, paths) {
  return paths.filter((path) => described.has(`${kind} ${path}`)).map((path) => {
    const {unit, meaning} = described.get(`${kind} ${path}`);
    return [path + (unit ? ` (${unit})` : ''), meaning];
  });
}

// --- other ways to do a MAC ------------------------------------------------------------------------

function methodsSection(run, priced) {
  const rows = [];
  const missing = [];
  run.report.methods.forEach((method, i) => {
    if (method.table !== priced.table || method.accounting !== priced.accounting) {
      return;
    }
    if (method.missing_entry) {
      missing.push(method.missing_entry);
    } else {
      rows.push([method.label, ...['per_mac', 'total', 'reduction', 'mf_mac_saves'].map((key) => run.figure(`methods.${i}.${key}`))]);
    }
  });
  if (rows.length === 0) {
    return null;
  }
  const chart = new Chart(`Energy for each MAC: ${rows.map((row) => `${row[0]} ${row[1].text}`).join(', ')}`, 60 + 30 * rows.length, () => ({
    grid: {left: 8, right: 70, top: 8, bottom: 8, containLabel: true},
    tooltip: {trigger: 'axis', axisPointer: {type: 'shadow'}, formatter: (items) => tip(rows[items[0].dataIndex][0], `${rows[items[0].dataIndex][1].text} a MAC`)},
    xAxis: {type: 'value', axisLabel: {formatter: (value) => `${value} pJ`}},
    yAxis: {type: 'category', inverse: true, data: rows.map((row) => row[0]), splitLine: {show: false}},
    series: [{type: 'bar', barMaxWidth: 22, data: rows.map((row) => ({value: row[1].value,
      itemStyle: {color: colour(row[0].startsWith('MF-MAC') ? 'c0' : 'c6')},
      label: {show: true, position: 'right', color: colour('text'), formatter: () => row[1].text}}))}],
  }));
  return section('methods', 'Other ways to do a MAC', {docs: 'energy.md', about: [
    ['per MAC', 'energy of the same work by this method, for each MAC'],
    ['less than FP32', '1 - this method / FP32 MAC'], ['MF-MAC saves', '1 - MF-MAC / this method; negative where MF-MAC takes more']]},
    el('p', {}, `The same MACs done in other ways (table ${priced.table}, accounting ${priced.accounting}). Whether a network trains so is not said here.`),
    chart.node, new Table('Other ways to do a MAC', ['method', 'per MAC', 'total', 'less than FP32', 'MF-MAC saves'], rows, {filter: false}).node,
    missing.length ? el('p', {class: 'quiet'}, `No row for what the table does not price: ${missing.join(', ')}.`) : null);
}

// --- cycles ----------------------------------------------------------------------------------------

const CAUSES = [
  {name: 'MAC', colour: 'c0'}, {name: 'zero-gated', colour: 'c5'}, {name: 'edge', colour: 'c3'}, {name: 'fill', colour: 'c4'},
  {name: 'preload', colour: 'c2'}, {name: 'drain', colour: 'c6'}, {name: 'stall', colour: 'c7'},
];
const IDLE = ['edge', 'fill', 'preload', 'drain', 'stall'];

// All cycles of all PEs, by what each did, as paths.
function causePaths(machine, knowsGated) {
  const idle = IDLE.map((cause) => `${machine}.actions.idle_${cause}_pe_cycle`);
  const macs = knowsGated ? [[`${machine}.macs`, `-${machine}.actions.gated_mac`], [`${machine}.actions.gated_mac`]] : [[`${machine}.macs`]];
  return {parts: [...macs, ...idle.map((path) => [path])], whole: [`${machine}.macs`, ...idle]};
}

function cyclesSection(run) {
  const view = {machine: run.machines[0]};
  const body = el('div');
  const render = () => {
    const knowsGated = run.has(`totals.machines.${view.machine}.actions.gated_mac`);
    const causes = knowsGated ? CAUSES : CAUSES.filter(({name}) => name !== 'zero-gated');
    const meanings = causes.map(({name}) => `part of the PEs' cycles: ${ABOUT_CAUSES[name]}`);
    const rowOf = (name, place) => {
      const {parts, whole} = causePaths(`${place}.machines.${view.machine}`, knowsGated);
      return {name, figures: parts.map((part, i) => run.figure(part, {whole, meaning: meanings[i]}))};
    };
    const rows = [rowOf('all passes', 'totals'), ...run.report.passes.map((_, i) => rowOf(run.passName(i), `passes.${i}`))];
    body.replaceChildren(...stackedBars(`What the PEs of ${run.label(view.machine)} do in their cycles`, rows, causes, {
      unit: 'share', of: 'pass', share: true, note: knowsGated ? '' : 'How many MACs are gated is not known: the workload has no values.'}).filter(Boolean));
  };
  render();
  return section('cycles', 'What the PEs do in their cycles', {docs: 'timing.md', about: Object.entries(ABOUT_CAUSES)},
    el('div', {class: 'controls'}, machineChoice(run, view, render)), body);
}

const ABOUT_CAUSES = {
  MAC: 'a MAC that fires',
  'zero-gated': 'a MAC slot in which a zero operand fired nothing',
  edge: 'the fold does not use the PE',
  fill: 'operands are on their way to the PE, or have passed',
  preload: 'a stationary tile is loaded (ws, is)',
  drain: 'the pass\'s last results leave',
  stall: 'the array waits for memory',
};

// --- memory ----------------------------------------------------------------------------------------

function rooflineSection(run) {
  if (!run.has('totals.machines.mf_mac.memory.macs_per_byte')) {
    return null;
  }
  const points = [];
  for (const machine of run.machines) {
    run.report.passes.forEach((_, i) => {
      const path = `passes.${i}.machines.${machine}`;
      if (run.at(`${path}.memory.macs_per_byte`)) {
        points.push({machine, name: run.passName(i), x: run.figure(`${path}.memory.macs_per_byte`),
          y: run.figure(`${path}.macs`, {whole: `${path}.cycles.total`, unit: 'MAC/cycle', meaning: 'MACs that the array does in a cycle'}), roof: run.figure(`${path}.memory.roofline`), bound: run.at(`${path}.memory.bound_by`)});
      }
    });
  }
  const {rows, cols} = run.report.machines.mf_mac.array;
  const peak = rows * cols;
  const bytesPerCycle = run.report.dram_gb_s === null ? null : run.report.dram_gb_s * 1e3 / run.report.machines.mf_mac.clock_mhz;
  const SYMBOLS = [['circle', '\u25CF'], ['triangle', '\u25B2'], ['rect', '\u25A0'], ['diamond', '\u25C6']];
  const view = {machines: run.machines.slice(0, 2)};
  const body = el('div');
  const chartOf = () => new Chart('Roofline: MACs a cycle of each pass over its MACs for each byte of DRAM traffic', 420, () => {
    const xs = points.map((point) => point.x.value);
    const left = Math.min(...xs, bytesPerCycle ? peak / bytesPerCycle : 1) / 2;
    const right = Math.max(...xs, bytesPerCycle ? peak / bytesPerCycle : 1) * 2;
    const corner = bytesPerCycle ? peak / bytesPerCycle : left;
    return {
      grid: {left: 28, right: 24, top: 12, bottom: 30, containLabel: true},
      tooltip: {trigger: 'item', formatter: ({data: item}) => (item.point ? tip(item.point.name, run.label(item.point.machine), `${item.point.x.text}`, `${item.point.y.text}`,
        `DRAM allows ${item.point.roof.text} of the peak`, `bound by ${item.point.bound}`) : tip('the roof'))},
      xAxis: {type: 'log', min: left, max: right, name: 'MACs for each byte of DRAM', nameLocation: 'middle', nameGap: 26, axisLabel: {formatter: (value) => String(Number(value.toPrecision(2)))}},
      yAxis: {type: 'log', name: 'MACs a cycle', nameLocation: 'middle', nameGap: 34, max: peak * 1.5, axisLabel: {formatter: (value) => String(Number(value.toPrecision(2)))}},
      series: [
        ...view.machines.map((machine, i) => ({name: run.label(machine), type: 'scatter', symbol: SYMBOLS[i % 4][0], symbolSize: 11, itemStyle: {color: palette(i), opacity: 0.85},
          data: points.filter((point) => point.machine === machine).map((point) => ({value: [point.x.value, point.y.value], point}))})),
        {name: 'the roof', type: 'line', symbol: 'none', lineStyle: {color: colour('text'), width: 2}, itemStyle: {color: colour('text')},
          data: (bytesPerCycle ? [[left, left * bytesPerCycle], [corner, peak], [right, peak]] : [[left, peak], [right, peak]]).map((value) => ({value}))},
      ],
    };
  });
  const render = () => body.replaceChildren(legend(view.machines.map((machine, i) => ({name: run.label(machine), colour: `c${i}`, symbol: SYMBOLS[i % 4][1]}))), chartOf().node);
  render();
  const machines = choice('machines', [['two', run.machines.slice(0, 2).map((machine) => run.label(machine)).join(' and ')], ['all', 'all']], 'two', (value) => {
    view.machines = value === 'all' ? run.machines : run.machines.slice(0, 2);
    render();
  });
  const table = new Table('Roofline', ['pass', 'machine', 'MACs/B', 'MACs a cycle', 'roof', 'bound by'],
    points.map((point) => [point.name, run.label(point.machine), point.x, point.y, point.roof, point.bound]));
  return section('roofline', 'Roofline', {docs: 'memory.md', about: aboutColumns('machine', ['memory.macs_per_byte', 'memory.roofline', 'memory.bandwidth_used', 'memory.bound_by'])},
    el('p', {}, 'A pass under the slope waits for DRAM even if nothing else holds it back; one far under the roof loses its cycles elsewhere.'),
    run.machines.length > 2 ? el('div', {class: 'controls'}, machines) : null, body, numbers(table));
}

const TRAFFIC = [
  {path: 'first_bits', name: 'first operand, read', colour: 'c0'}, {path: 'second_bits', name: 'second operand, read', colour: 'c2'},
  {path: 'sums_bits', name: 'spilled sums, read', colour: 'c3'}, {path: 'dram.written_bits', name: 'results, written', colour: 'c4'},
];

function trafficSection(run) {
  if (!run.has('totals.machines.mf_mac.memory')) {
    return null;
  }
  const view = {machine: run.machines[0]};
  const body = el('div');
  const render = () => {
    const row = (name, place) => ({name, place: `${place}.machines.${view.machine}`});
    const rows = run.report.passes.map((_, i) => row(run.passName(i), `passes.${i}`)).filter(({place}) => run.has(`${place}.memory`));
    const bars = rows.map(({name, place}) => ({name, figures: TRAFFIC.map(({path}) => run.figure(`${place}.memory.${path}`)), mark: run.figure(`${place}.memory.compulsory_bits`)}));
    const table = new Table('DRAM traffic', ['pass', 'DRAM', 'compulsory', 'times', 'in whole bursts', 'row hits', 'stall', 'first', 'second', 'results'],
      [...rows, {...row('all passes', 'totals'), total: true}].map(({name, place, total}) => {
        const traffic = [`${place}.memory.dram.read_bits`, `${place}.memory.dram.written_bits`];
        const stall = (cause) => run.figure(`${place}.stall_by.${cause}`, {whole: `${place}.cycles.total`});
        return {total, cells: [name, run.figure(traffic), run.figure(`${place}.memory.compulsory_bits`),
          run.figure(traffic, {whole: `${place}.memory.compulsory_bits`, unit: 'times', meaning: 'DRAM traffic over what is compulsory'}),
          run.figure(`${place}.memory.moved_bits`), run.figure(`${place}.memory.row_hits`, {whole: [`${place}.memory.row_hits`, `${place}.memory.row_misses`]}),
          run.figure(`${place}.cycles.stall`, {whole: `${place}.cycles.total`}), stall('first'), stall('second'), stall('results')]};
      }));
    body.replaceChildren(...stackedBars(`DRAM traffic of ${run.label(view.machine)}`, bars, TRAFFIC, {unit: 'bit', of: 'pass', mark: {name: 'compulsory'}}).filter(Boolean), table.node);
  };
  render();
  return section('traffic', 'DRAM traffic', {docs: 'memory.md', about: [...aboutColumns('machine', ['memory.compulsory_bits', 'memory.moved_bits', 'memory.row_hits', 'memory.row_misses', 'stall_by.first', 'stall_by.second', 'stall_by.results']),
    ['times', 'DRAM traffic over what is compulsory: 1 is as little as can be. Less than 1 where tiles never touch elements that no window needs.']]},
    el('div', {class: 'controls'}, machineChoice(run, view, render)), body);
}

// --- registers -------------------------------------------------------------------------------------

const REGISTERS = ['operand', 'skew', 'stationary', 'partial_sum', 'accumulator', 'drain'];

function togglesSection(run) {
  const machines = run.machines.filter((machine) => run.has(`totals.machines.${machine}.toggles`));
  if (machines.length === 0) {
    return null;
  }
  const parts = REGISTERS.filter((name) => machines.some((machine) => run.at(`totals.machines.${machine}.toggles.${name}`) > 0));
  const bars = machines.map((machine) => ({name: run.label(machine), figures: parts.map((name) => run.total(machine, `toggles.${name}`, {unit: 'bits changed'}))}));
  const rows = parts.map((name) => [name.replace('_', ' '), ...machines.flatMap((machine) => [run.total(machine, `toggles.${name}`, {unit: 'bits changed'}),
    run.figure(`totals.machines.${machine}.toggles.${name}`, {whole: `totals.machines.${machine}.macs`, unit: 'bit/MAC', meaning: 'bits that change, for each MAC'})])]);
  return section('toggles', 'Register bits that change', {docs: 'timing.md', about: aboutColumns('machine', REGISTERS.map((name) => `toggles.${name}`))},
    ...stackedBars('Register bits that change', bars, parts.map((name, i) => ({name: name.replace('_', ' '), colour: `c${i}`})), {unit: 'bits changed', of: 'machine'}).filter(Boolean).slice(0, 2),
    new Table('Register bits that change', ['registers', ...machines.flatMap((machine) => [run.label(machine), 'per MAC'])], rows, {filter: false}).node);
}

// --- the rest of a training step -------------------------------------------------------------------

function stepSection(run, priced) {
  if (!run.report.step) {
    return null;
  }
  const machines = ['mf_mac', 'fp32_mac'].filter((machine) => stepEnergy(run, machine, priced) >= 0);
  if (machines.length === 0) {
    return null;
  }
  const names = ['GEMMs', ...run.report.step.parts.map(({part}) => part)];
  const figures = (machine) => {
    const place = `step.energy.${stepEnergy(run, machine, priced)}`;
    return [run.figure(`${place}.gemms`), ...run.report.step.parts.map((_, i) => run.figure(`${place}.parts.${i}.energy`))];
  };
  return section('step', `The whole training step, ${run.report.step.optimizer}`, {docs: 'energy.md'},
    ...stackedBars('Energy of the whole training step', machines.map((machine) => ({name: run.label(machine), figures: figures(machine)})),
      names.map((name, i) => ({name, colour: `c${i % 8}`})), {unit: 'pJ', of: 'machine'}).filter(Boolean),
    el('ul', {class: 'lines'}, run.report.step.assumptions.map((text) => line(text))));
}

// --- a pass, cycle by cycle ------------------------------------------------------------------------

const SLICE_COLOURS = {preload: 'c2', stream: 'c0', drain: 'c6', 'stall: first': 'c7', 'stall: second': 'c1', 'stall: results': 'c4', read: 'c5', write: 'c3'};

function timelineSection(run) {
  const {timeline} = run.report;
  if (!timeline) {
    return null;
  }
  const view = {machine: 0, from: 0};
  const body = el('div');
  const SHORTEST = 400;  // cycles that are shown at first
  const render = () => {
    const machine = timeline.machines[view.machine];
    const until = machine.shown_until === null ? machine.cycles : machine.shown_until;
    const span = Math.ceil(Math.min(until, view.span || Math.max(SHORTEST, until / 8)));
    const from = Math.min(view.from, Math.max(0, until - span));
    const tracks = machine.tracks.map(({name}) => name);
    const slices = machine.tracks.flatMap((track, i) => track.slices.filter(([begin, end]) => end > from && begin < from + span).map((slice) => ({track: i, slice})));
    const kinds = [...new Set(slices.map(({slice}) => slice[2]))];
    const chart = new Chart(`${machine.machine}, ${timeline.pass}: cycles ${Math.round(from)} to ${Math.round(from + span)}`, 50 + 34 * tracks.length, () => ({
      grid: {left: 8, right: 24, top: 4, bottom: 30, containLabel: true},
      tooltip: {trigger: 'item', formatter: ({data: item}) => tip(`${tracks[item.track]}: ${item.slice[2]}`, `cycles ${item.slice[0]} to ${item.slice[1]}`,
        ...Object.entries(item.slice[3]).map(([name, value]) => `${name}: ${value}`))},
      xAxis: {type: 'value', min: from, max: from + span, name: 'cycle of the pass', nameLocation: 'middle', nameGap: 24},
      yAxis: {type: 'category', inverse: true, data: tracks, splitLine: {show: false}},
      series: kinds.map((kind) => ({
        name: kind, type: 'custom', itemStyle: {color: colour(SLICE_COLOURS[kind] || 'c6')}, encode: {x: [1, 2], y: 0}, clip: true,
        data: slices.filter(({slice}) => slice[2] === kind).map(({track, slice}) => ({value: [track, slice[0], slice[1]], track, slice})),
        renderItem: (params, api) => {
          const [x0, y] = api.coord([api.value(1), api.value(0)]);
          const [x1] = api.coord([api.value(2), api.value(0)]);
          const height = Math.min(22, api.size([0, 1])[1] * 0.7);
          const box = echarts.graphic.clipRectByRect({x: x0, y: y - height / 2, width: Math.max(x1 - x0, 0.6), height},
            {x: params.coordSys.x, y: params.coordSys.y, width: params.coordSys.width, height: params.coordSys.height});
          return box && {type: 'rect', shape: box, style: {fill: api.visual('color')}};
        },
      })),
    }));
    const id = freshId('from');
    const slider = el('input', {id, type: 'range', min: '0', max: String(Math.max(0, Math.floor(until - span))), step: String(Math.max(1, Math.floor(span / 4))), value: String(Math.floor(from))});
    slider.addEventListener('change', () => { view.from = Number(slider.value); render(); body.querySelector('input').focus(); });
    body.replaceChildren(
      el('div', {class: 'controls'}, el('label', {for: id}, 'from cycle', slider),
        el('button', {type: 'button', onclick: () => { view.span = span / 2; render(); }}, 'Closer'),
        el('button', {type: 'button', onclick: () => { view.span = Math.min(until, span * 2); render(); }}, 'Farther')),
      legend(kinds.map((name) => ({name, colour: SLICE_COLOURS[name] || 'c6'}))), chart.node,
      machine.shown_until === null ? '' : el('p', {class: 'quiet'}, 'The page has the pass up to cycle ', counter('shown_until', Math.floor(machine.shown_until)), ' of ', counter('cycles', machine.cycles), '; run --timeline FILE.json has it all.'));
  };
  render();
  return section('timeline', 'The longest pass, cycle by cycle', {docs: 'report.md', about: [
    ['array', 'what the array does: preload, stream and drain of each fold, and stalls by what they wait for'],
    ['DMA', 'reads and writes of each scratchpad\'s engine'], ['DRAM channel', 'data on the channel\'s bus']]},
    el('p', {}, `${timeline.pass}. `),
    el('div', {class: 'controls'}, choice('machine', timeline.machines.map(({machine}, i) => [String(i), machine]), '0', (value) => { view.machine = Number(value); view.from = 0; view.span = null; render(); })), body);
}

// --- the passes, and where numbers are from --------------------------------------------------------

function gemmText(gemms) {
  const one = ({count, m, n, k}) => `${count > 1 ? `${count}*` : ''}${m}x${n}x${k}`;
  return gemms.length > 3 ? `${gemms.slice(0, 3).map(one).join(', ')}, \u2026` : gemms.map(one).join(', ');
}

function passesSection(run, priced) {
  const view = {machine: run.machines[0]};
  const body = el('div');
  const columns = [['cycles', 'cycles.total'], ['MACs', 'macs'], ['folds', 'folds'], ['util.', 'utilization'], ['gated', 'actions.gated_mac'],
    ['zeros: padding', 'zero_operand_macs.structural'], ['zeros: values', 'zero_operand_macs.value'], ['overflows', 'actions.overflow'], ['results', 'actions.overflowed_result'], ['dropped', 'actions.dropped_product']];
  const render = () => {
    const place = run.energyOf(view.machine, priced);
    const row = (name, gemms, path, energy, total) => ({total, cells: [...name, gemms, ...columns.map(([, column]) => run.figure(`${path}.machines.${view.machine}.${column}`)), energy]});
    const rows = run.report.passes.map((pass, i) => row([pass.layer, pass.pass], gemmText(pass.gemms), `passes.${i}`, place < 0 ? '' : run.figure(`energy.${place}.by_gemm.${i}.total`)));
    rows.push(row(['all', ''], '', 'totals', place < 0 ? '' : run.figure(`energy.${place}.total`), true));
    body.replaceChildren(new Table('Passes', ['layer', 'pass', 'GEMMs, MxNxK', ...columns.map(([text, path]) => ({text, title: (described.get(`machine ${path}`) || {}).meaning})), 'energy'], rows).node);
  };
  render();
  return section('passes', 'All passes', {docs: 'report.md#columns', about: aboutColumns('machine', columns.map(([, path]) => path))},
    el('div', {class: 'controls'}, machineChoice(run, view, render)), body);
}

function flattened(tree, prefix = '') {
  return Object.entries(tree).flatMap(([key, value]) => (value !== null && typeof value === 'object'
    ? flattened(value, `${prefix}${key}.`) : [[prefix + key, value]]));
}

function sourcesSection(run) {
  const rows = new Map();
  run.report.energy.forEach((energy, e) => energy.unit_energies.forEach((unit, i) => {
    const key = `${energy.table} ${unit.entry}`;
    if (!rows.has(key)) {
      rows.set(key, [energy.table, unit.entry, run.figure(`energy.${e}.unit_energies.${i}.value`, {unit: 'pJ', meaning: 'energy of one such operation'}), unit.certainty,
        [unit.source, unit.note, unit.derivation ? `derived: ${unit.derivation}` : ''].filter(Boolean).join('; ')]);
    }
  }));
  const table = new Table('Unit energies', ['table', 'entry', 'energy', 'certainty', 'source'], [...rows.values()], {long: 4});
  const architecture = new Table('Architecture', ['key', 'value'], flattened(run.report.architecture).map(([key, value]) => [key, el('code', {}, String(value))]));
  return section('sources', 'Where the numbers are from', {docs: 'energy.md#tables', about: [
    ['read', 'the number stands in the source'], ['recalled', 'it is attributed to the source, and was not read there again'], ['assumed', 'the source is silent; a note says how it was set']]},
    el('h3', {}, 'Unit energies'), table.node, el('h3', {}, 'The machine, key by key'), architecture.node);
}

// --- several runs ----------------------------------------------------------------------------------

function comparisonSection(runs, priced) {
  const bars = [];
  const rows = [];
  const parts = data.components.map(({name, label}, i) => ({path: name, name: label, colour: COMPONENT_COLOURS[i]}));
  const there = parts.filter(({path}) => runs.some((run) => run.has(`energy.${run.energyOf('mf_mac', priced)}.by_component.${path}`)));
  for (const run of runs) {
    const [mf, fp] = ['mf_mac', 'fp32_mac'].map((machine) => run.energyOf(machine, priced));
    bars.push({name: run.report.name, figures: there.map(({path}) => run.figure(`energy.${mf}.by_component.${path}`))});
    rows.push([run.report.name, run.figure('machines.mf_mac.array.rows', {meaning: 'rows of the array'}), run.figure('machines.mf_mac.array.cols', {meaning: 'columns of the array'}), run.at('architecture.array.dataflow'),
      run.total('mf_mac', 'macs'), run.total('mf_mac', 'cycles.total'), run.total('mf_mac', 'time_s'), run.total('mf_mac', 'utilization'),
      run.figure(`energy.${mf}.total`), run.figure(`energy.${fp}.total`), run.comparison(priced, 'fp32_mac') || '',
      run.figure(`energy.${mf}.power_w`), run.figure(`energy.${mf}.tops_per_w`), run.figure(`energy.${mf}.energy_delay_js`)]);
  }
  const keys = new Map(runs.map((run) => [run, new Map(flattened(run.report.architecture))]));
  const all = [...new Set([...keys.values()].flatMap((map) => [...map.keys()]))];
  const differing = all.filter((key) => new Set(runs.map((run) => String(keys.get(run).get(key)))).size > 1);
  return section('runs', 'The runs side by side', {docs: 'report.md', about: aboutColumns('energy', ['power_w', 'tops_per_w', 'energy_delay_js'])},
    ...stackedBars(`Energy of MF-MAC by component, table ${priced.table}, accounting ${priced.accounting}`, bars, there, {unit: 'pJ', of: 'run'}).filter(Boolean),
    new Table('The runs side by side', ['run', 'rows', 'cols', 'dataflow', 'MACs', 'cycles', 'time', 'util.', 'MF-MAC', 'FP32', 'less than FP32', 'power', 'TOPS/W', 'energy-delay'], rows).node,
    differing.length ? [el('h3', {}, 'In what their machines differ'), new Table('Differences', ['key', ...runs.map((run) => run.report.name)],
      differing.map((key) => [key, ...runs.map((run) => el('code', {}, String(keys.get(run).get(key) ?? '-')))])).node] : null);
}

// --- a pass, PE by PE ------------------------------------------------------------------------------

// What a PE did, as pe_map.csv has it.
class PeFigure extends Shown {
  constructor(run, machine, kind, place) {
    super();
    const map = run.report.pe_map;
    const counts = map.machines[machine][kind];
    Object.assign(this, {run: run.index, machine: map.machines[machine].machine, kind, row: Math.floor(place / map.cols), col: place % map.cols,
      value: counts === null ? null : counts[place], unit: kind === 'toggles' ? 'event' : 'MAC', meaning: PE_KINDS[kind]});
  }
  get attributes() { return {'data-pe': `${this.row} ${this.col} ${this.machine}_${this.kind}`}; }
  get told() { return [this.exactly, this.meaning, `pe_map.csv: ${this.machine}_${this.kind} of row ${this.row}, column ${this.col}`]; }
}
const PE_KINDS = {macs: 'MAC slots of the PE', gated: 'MAC slots in which a zero operand fired nothing', toggles: 'bits that changed in the PE\'s registers'};

function peMapSection(run) {
  const map = run.report.pe_map;
  if (!map) {
    return null;
  }
  if (map.too_large) {
    return section('pes', `PE by PE: ${map.pass}`, {docs: 'report.md'}, el('p', {}, 'The array has too many PEs to be drawn one by one; pe_map.csv beside the report has them.'));
  }
  const view = {machine: 0, kind: 'macs', from: 'least'};
  const body = el('div');
  const kinds = Object.keys(PE_KINDS).filter((kind) => map.machines[0][kind] !== null);
  const render = () => {
    const counts = map.machines[view.machine][view.kind];
    const most = counts.reduce((a, b) => Math.max(a, b), 0);
    const smallest = counts.reduce((a, b) => Math.min(a, b), Infinity);
    const least = view.from === 'least' && smallest < most ? smallest : 0;
    const chart = new Chart(`${PE_KINDS[view.kind]}, of ${map.rows} x ${map.cols} PEs of ${run.label(map.machines[view.machine].machine)} in ${map.pass}`, Math.min(620, 120 + 24 * map.rows), () => ({
      grid: {left: 36, right: 24, top: 8, bottom: 76, containLabel: true},
      tooltip: {trigger: 'item', formatter: ({value}) => tip(`row ${value[1]}, column ${value[0]}`, ...kinds.map((kind) => `${PE_KINDS[kind]}: ${counted(map.machines[view.machine][kind][value[1] * map.cols + value[0]])}`))},
      xAxis: {type: 'category', name: 'column', nameLocation: 'middle', nameGap: 24, data: [...Array(map.cols).keys()].map(String), splitLine: {show: false}},
      yAxis: {type: 'category', name: 'row', nameLocation: 'middle', nameGap: 30, inverse: true, data: [...Array(map.rows).keys()].map(String), splitLine: {show: false}},
      visualMap: {min: least, max: most || 1, orient: 'horizontal', left: 'center', bottom: 0, itemHeight: 200, text: [counted(most), counted(least)], textStyle: {color: colour('text')}, inRange: {color: [colour('ground'), colour('some'), colour('most')]}},
      series: [{type: 'heatmap', progressive: 0, itemStyle: {borderColor: colour('line'), borderWidth: map.cols > 64 ? 0 : 1},
        data: counts.map((count, i) => [i % map.cols, Math.floor(i / map.cols), count])}],
    }), {canvas: true});
    body.replaceChildren(chart.node);
  };
  render();
  const table = new Table('PE by PE', ['row', 'column', ...map.machines.flatMap(({machine}) => kinds.map((kind) => ({text: `${run.label(machine)} ${kind}`, title: PE_KINDS[kind]})))],
    map.machines[0].macs.map((_, i) => [Math.floor(i / map.cols), i % map.cols, ...map.machines.flatMap((_machine, m) => kinds.map((kind) => new PeFigure(run, m, kind, i)))]));
  return section('pes', `PE by PE: ${map.pass}`, {docs: 'report.md', about: Object.entries(PE_KINDS)},
    el('div', {class: 'controls'},
      choice('machine', map.machines.map(({machine}, i) => [String(i), run.label(machine)]), '0', (value) => { view.machine = Number(value); render(); }),
      choice('colour by', kinds.map((kind) => [kind, PE_KINDS[kind]]), view.kind, (value) => { view.kind = value; render(); }),
      choice('colours from', [['least', 'the least'], ['zero', '0']], view.from, (value) => { view.from = value; render(); })),
    body, numbers(table));
}

// --- an array, cycle by cycle ----------------------------------------------------------------------

const DOES = {mac: 'multiplies', gated: 'gated: an operand is zero', idle: 'has no slot'};

function framesSection(run) {
  const {frames} = run.report;
  if (!frames) {
    return null;
  }
  const view = {at: 0, timer: null};
  const os = frames.dataflow === 'os';
  const cells = [];
  const grid = el('table', {class: 'pes'}, el('caption', {}, 'The PEs\' registers, row by row'));
  for (let row = 0; row < frames.rows; row += 1) {
    const line = el('tr');
    for (let col = 0; col < frames.cols; col += 1) {
      const cell = el('td');
      cells.push(cell);
      line.append(cell);
    }
    grid.append(line);
  }
  const id = freshId('cycle');
  const slider = el('input', {id, type: 'range', min: '0', max: String(frames.cycles.length - 1), value: '0', oninput: () => { stop(); show(Number(slider.value)); }});
  const number = el('output', {for: id});
  const play = el('button', {type: 'button', onclick: () => (view.timer ? stop() : start())}, 'Play');
  const show = (at) => {
    view.at = at;
    slider.value = String(at);
    number.replaceChildren('cycle ', counter('cycle', frames.first_cycle + at));
    frames.cycles[at].forEach(([moving, other, sum, result, did], i) => {
      cells[i].className = did;
      cells[i].replaceChildren(el('span', {}, moving || '\u00b7', ' \u00d7 ', other || '\u00b7'), el('b', {}, sum || '\u00b7'), os ? el('small', {}, result ? `out: ${result}` : '\u00a0') : '');
      cells[i].title = DOES[did];
    });
  };
  const stop = () => {
    clearInterval(view.timer);
    view.timer = null;
    play.textContent = 'Play';
  };
  const start = () => {
    play.textContent = 'Pause';
    view.timer = setInterval(() => {
      if (!grid.isConnected || view.at + 1 >= frames.cycles.length) {
        stop();
      } else {
        show(view.at + 1);
      }
    }, 400);
  };
  const step = (by) => { stop(); show(Math.max(0, Math.min(frames.cycles.length - 1, view.at + by))); };
  show(0);
  const part = frames.rows < frames.array_rows || frames.cols < frames.array_cols
    ? el('p', {class: 'quiet'}, 'The first ', counter('rows', frames.rows), ' rows and ', counter('cols', frames.cols), ' columns of ', counter('array_rows', frames.array_rows), ' x ', counter('array_cols', frames.array_cols), '.') : null;
  return section('frames', `The array, cycle by cycle: ${frames.pass}`, {docs: 'timing.md', about: [
    ['a x b', os ? 'the operands in the PE\'s registers: of the row, of the column' : 'the operand that streams along the row, and the one that stays'],
    ['below', os ? 'the accumulator, which has their product already' : 'the partial sum on its way down, which has their product already'],
    ...(os ? [['out', 'the shadow register: a result on its way out']] : [])]},
    el('p', {}, 'As SystemC simulated the pass\'s first GEMM, register by register. Operands are powers of two, without their tensor\'s scale; sums are integers.'),
    part, el('div', {class: 'controls'}, play, el('button', {type: 'button', onclick: () => step(-1)}, 'Back'), el('button', {type: 'button', onclick: () => step(1)}, 'On'),
      el('label', {for: id}, 'cycle', slider), number),
    el('ul', {class: 'legend'}, Object.entries(DOES).map(([did, text]) => el('li', {}, el('span', {class: `mark ${did}`, 'aria-hidden': 'true'}), text))),
    el('div', {class: 'across', role: 'region', 'aria-label': 'The PEs\' registers', tabindex: '0'}, grid));
}
