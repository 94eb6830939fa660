// Registers that a slot moves through hold their data bits while what arrives is not valid, so that
// nothing toggles for nothing; valid bits and tags move on at every edge. Included by each module
// that has the parameters ROW_BITS, COLUMN_BITS and SUM_BITS.

  function automatic logic [ROW_BITS-1:0] row_taken(
      input logic valid, input logic [ROW_BITS-1:0] arriving, input logic [ROW_BITS-1:0] held);
    row_taken = valid ? arriving : held;
  endfunction

  function automatic logic [COLUMN_BITS-1:0] column_taken(
      input logic valid, input logic [COLUMN_BITS-1:0] arriving,
      input logic [COLUMN_BITS-1:0] held);
    column_taken = valid ? arriving : held;
  endfunction

  function automatic logic [SUM_BITS-1:0] sum_taken(
      input logic valid, input logic [SUM_BITS-1:0] arriving, input logic [SUM_BITS-1:0] held);
    sum_taken = valid ? arriving : held;
  endfunction
