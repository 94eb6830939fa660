// The next state of a stationary PE (weight or input stationary), once: its module and the array
// written as loops both call it. It stands on mac_functions.svh, and on the parameter
//
//   DOUBLE_BUFFERED   0: a PE multiplies the operand that is loaded. 1: the streaming operand that
//                     begins a fold copies it to a second register, which is multiplied from then on,
//                     so that the next tile can be loaded meanwhile

  // Whether a PE multiplies the loaded register. At the edge at which a fold begins, the second
  // register is still to be written.
  function automatic st_from_loaded(input logic is_first);
    st_from_loaded = DOUBLE_BUFFERED == 0 || is_first;
  endfunction

  // The sum that leaves a PE. One that meets no slot passes through.
  function automatic logic [SUM_BITS-1:0] st_sum(
      input logic is_slot, input logic [SUM_BITS-1:0] over, input logic [ROW_BITS-1:0] r,
      input logic [COLUMN_BITS-1:0] c, input logic signed [PLACE_BITS-1:0] lowest);
    st_sum = is_slot ? mac_sum(over, r, c, lowest) : over;
  endfunction

  // Whether the loaded register is written, or cleared. A tile moves at the edges at which a row of it
  // enters its column (the column moves), and holds at all others, so that it may wait.
  function automatic st_loads(input logic column_is_moving, input logic over_is_moving);
    st_loads = column_is_moving && over_is_moving;
  endfunction

  // Whether the loaded operand moves on at the next edge at which its column does.
  function automatic st_moves(
      input logic column_is_moving, input logic column_is_settling, input logic over_is_moving,
      input logic is_moving);
    st_moves = column_is_moving ? over_is_moving && !column_is_settling : is_moving;
  endfunction
