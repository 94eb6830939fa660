// output_stationary_array.sv once more, written as loops over arrays of registers: what Verilator and a
// compiler make a program of in a second, whatever the array's size, and one that is nine times as fast
// as that of a module for each PE. The next state of each register is the same function; the ports are
// the same. To simulate, not to synthesize.
//
// A row's registers are one line, its skew and then its PEs'; so are a column's. In each, place 0
// would be the port of the lane with the most skew, and lane i's port stands where its skew begins:
//
//   row[r * LINE + p]       p = ROWS - 1 - r: lane r of `west`, a wire; up to ROWS - 1: its skew;
//                           ROWS + c: the register of PE (r, c). PE (r, c) sees place ROWS - 1 + c
//   column[p * COLS + c]    p = COLS - 1 - c: lane c of `north`; COLS + r: the register of PE (r, c)
//   shadow[(r + 1) * COLS + c]  of PE (r, c); row 0 stands for what is above the array: nothing
//
// What the compiler can make vectors of: one loop for each kind of register, from 0 on, its index
// unsigned; each register once in it; and a multiplexer is a function, whose operands are all read.
// Assignments block, as loops are to happen one after the other: who looks at a register after it has
// changed looks at it behind the edge.
// verilator lint_off BLKSEQ
module output_stationary_array_loops #(
    parameter int ROWS = 16,
    parameter int COLS = 16,
    parameter int FP32 = 0,
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 5,
    parameter int SUM_BITS = 32,
    parameter int ACC_BITS = 32,
    parameter int PLACE_BITS = 10,
    parameter int SATURATE = 0,
    parameter int ZERO_GATING = 1
) (
    input  logic clk,
    input  logic reset,
    input  logic signed [PLACE_BITS-1:0] lsb,
    input  logic [ROWS-1:0] west_valid,
    input  logic [ROWS*ROW_BITS-1:0] west,
    input  logic [COLS-1:0] north_valid,
    input  logic north_first,
    input  logic north_last,
    input  logic [COLS*COLUMN_BITS-1:0] north,
    output logic [COLS-1:0] result_shifts,
    output logic [COLS-1:0] result_valid,
    output logic [COLS*SUM_BITS-1:0] result
);
  `include "mac_functions.svh"
  `include "register_functions.svh"
  `include "output_stationary_functions.svh"

  localparam int unsigned LINE = ROWS + COLS;
  localparam int COUNT_BITS = $clog2(ROWS + 1);

  logic row_valid[ROWS*LINE] /*verilator public_flat_rd*/;
  logic [ROW_BITS-1:0] row[ROWS*LINE] /*verilator public_flat_rd*/;
  logic [2:0] column_tags[LINE*COLS] /*verilator public_flat_rd*/;
  logic [COLUMN_BITS-1:0] column[LINE*COLS] /*verilator public_flat_rd*/;
  logic [SUM_BITS-1:0] accumulator[ROWS*COLS] /*verilator public_flat_rd*/;
  logic [1:0] shadow_state[(ROWS+1)*COLS] /*verilator public_flat_rd*/;
  logic [SUM_BITS-1:0] shadow[(ROWS+1)*COLS] /*verilator public_flat_rd*/;
  logic [COUNT_BITS-1:0] remaining[COLS] /*verilator public_flat_rd*/;
  logic starts[COLS] /*verilator public_flat_rd*/;

  task automatic see_ports();
    for (int unsigned r = 0; r < ROWS; r++) begin
      row_valid[r*LINE+ROWS-1-r] = west_valid[r];
      row[r*LINE+ROWS-1-r] = west[r*ROW_BITS+:ROW_BITS];
    end
    for (int unsigned c = 0; c < COLS; c++) begin
      column_tags[(COLS-1-c)*COLS+c] = {3{north_valid[c]}} & {1'b1, north_first, north_last};
      column[(COLS-1-c)*COLS+c] = north[c*COLUMN_BITS+:COLUMN_BITS];
    end
  endtask

  task automatic add_products();
    for (int unsigned r = 0; r < ROWS; r++) begin
      for (int unsigned c = 0; c < COLS; c++) begin
        accumulator[r*COLS+c] = sum_taken(
            row_valid[r*LINE+ROWS-1+c] && column_tags[(COLS-1+r)*COLS+c][VALID],
            os_sum(accumulator[r*COLS+c], column_tags[(COLS-1+r)*COLS+c][FIRST],
                   row[r*LINE+ROWS-1+c], column[(COLS-1+r)*COLS+c], lsb),
            accumulator[r*COLS+c]);
      end
    end
  endtask

  // Whether any result is captured or moves at this edge: at most it is none.
  function automatic drains_any();
    logic [2:0] tags;
    logic [COUNT_BITS-1:0] shifts;
    tags = 0;
    shifts = 0;
    for (int unsigned i = (COLS - 1) * COLS; i < LINE * COLS; i++) tags = tags | column_tags[i];
    for (int unsigned c = 0; c < COLS; c++) shifts = shifts | remaining[c];
    drains_any = tags[LAST] || shifts != 0;
  endfunction

  // From the bottom up, so that each still sees the one above as it was.
  task automatic drain();
    for (int unsigned up = 1; up <= ROWS; up++) begin
      for (int unsigned c = 0; c < COLS; c++) begin
        logic captures;
        logic takes;
        captures = row_valid[(ROWS-up)*LINE+ROWS-1+c] && column_tags[(LINE-1-up)*COLS+c][LAST];
        takes = os_takes(remaining[c] != 0, starts[c], shadow_state[(ROWS-up+1)*COLS+c],
                         shadow_state[(ROWS-up)*COLS+c]);
        shadow[(ROWS-up+1)*COLS+c] = sum_taken(
            captures, accumulator[(ROWS-up)*COLS+c],
            sum_taken(takes, shadow[(ROWS-up)*COLS+c], shadow[(ROWS-up+1)*COLS+c]));
        shadow_state[(ROWS-up+1)*COLS+c] = os_shadow_state(
            captures, remaining[c] != 0, starts[c], shadow_state[(ROWS-up+1)*COLS+c],
            shadow_state[(ROWS-up)*COLS+c]);
      end
    end
  endtask

  // column_drain.sv
  task automatic count_drains();
    for (int unsigned c = 0; c < COLS; c++) begin
      starts[c] = column_tags[(LINE-2)*COLS+c][LAST];
      remaining[c] = starts[c] ? COUNT_BITS'(ROWS)
                               : remaining[c] - (remaining[c] != 0 ? COUNT_BITS'(1) : COUNT_BITS'(0));
    end
  endtask

  // From the far end on, so that each still sees the one before it as it was. What goes from the end of
  // one row's line to the beginning of the next is overwritten by that row's port.
  task automatic move_operands();
    for (int unsigned i = ROWS * LINE - 1; i > 0; i--) begin
      row[i] = row_taken(row_valid[i-1], row[i-1], row[i]);
    end
    for (int unsigned i = ROWS * LINE - 1; i > 0; i--) row_valid[i] = row_valid[i-1];
    for (int unsigned i = LINE * COLS - 1; i >= COLS; i--) begin
      column[i] = column_taken(column_tags[i-COLS][VALID], column[i-COLS], column[i]);
    end
    for (int unsigned i = LINE * COLS - 1; i >= COLS; i--) column_tags[i] = column_tags[i-COLS];
  endtask

  task automatic clear();
    for (int unsigned i = 0; i < ROWS * LINE; i++) begin
      row_valid[i] = 0;
      row[i] = 0;
    end
    for (int unsigned i = 0; i < LINE * COLS; i++) begin
      column_tags[i] = 0;
      column[i] = 0;
    end
    for (int unsigned i = 0; i < ROWS * COLS; i++) accumulator[i] = 0;
    for (int unsigned i = 0; i < (ROWS + 1) * COLS; i++) begin
      shadow_state[i] = 0;
      shadow[i] = 0;
    end
    for (int unsigned c = 0; c < COLS; c++) begin
      remaining[c] = 0;
      starts[c] = 0;
    end
  endtask

  always @(posedge clk) begin
    if (reset) begin
      clear();
    end else begin
      see_ports();
      add_products();
      if (drains_any()) drain();
      count_drains();
      move_operands();
    end
    for (int unsigned c = 0; c < COLS; c++) begin
      result_shifts[c] = remaining[c] != 0;
      result_valid[c] = shadow_state[ROWS*COLS+c][FULL];
      result[c*SUM_BITS+:SUM_BITS] = shadow[ROWS*COLS+c];
    end
  end
endmodule
