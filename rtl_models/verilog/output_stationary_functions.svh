// The next state of an output-stationary PE, once: its module and the array written as loops both
// call it. It stands on mac_functions.svh.

  // What comes down a column with an operand: whether it is there, and a fold's edges.
  localparam int VALID = 2;
  localparam int FIRST = 1;  // it starts a new sum
  localparam int LAST = 0;   // it ends one

  // A result in the chain of shadow registers.
  localparam int FULL = 1;
  localparam int FRESH = 0;  // captured while the fold before still drains: it waits for its turn

  // The accumulator behind a slot (both operands valid).
  function automatic logic [SUM_BITS-1:0] os_sum(
      input logic [SUM_BITS-1:0] now, input logic is_first, input logic [ROW_BITS-1:0] r,
      input logic [COLUMN_BITS-1:0] c, input logic signed [PLACE_BITS-1:0] lowest);
    os_sum = mac_sum(is_first ? {SUM_BITS{1'b0}} : now, r, c, lowest);
  endfunction

  // Whether a slot writes the accumulator: its clock enable. A new sum clears it, even if its first
  // product fires nothing: it is 0 then.
  function automatic os_writes(
      input logic is_first, input logic [ROW_BITS-1:0] r, input logic [COLUMN_BITS-1:0] c,
      input logic signed [PLACE_BITS-1:0] lowest);
    os_writes = is_first || mac_fires(r, c, lowest);
  endfunction

  // Whether a shadow register takes the result above, if there is one that moves. A column's drain
  // shifts at an edge, and starts at the first edge of a fold's drain: from then on its results are
  // no longer fresh. What is captured at the edge itself stands before all of this.
  function automatic os_takes(
      input logic is_shifting, input logic is_starting, input logic [1:0] now,
      input logic [1:0] over);
    os_takes = is_shifting && (is_starting || !now[FRESH]) && over[FULL] &&
               (is_starting || !over[FRESH]);
  endfunction

  // The state of the shadow register behind the edge.
  function automatic logic [1:0] os_shadow_state(
      input logic is_captured, input logic is_shifting, input logic is_starting,
      input logic [1:0] now, input logic [1:0] over);
    os_shadow_state = now;
    if (is_shifting && (is_starting || !now[FRESH])) begin
      os_shadow_state = {os_takes(is_shifting, is_starting, now, over), 1'b0};
    end
    if (is_captured) os_shadow_state = 2'b11;
  endfunction
