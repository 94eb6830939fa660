// stationary_array.sv once more, written as loops over arrays of registers: see
// output_stationary_array_loops.sv, which says why, and how. To simulate, not to synthesize.
//
//   row[r * LINE + p]           p = ROWS - 1 - r: lane r of `west`, a wire; up to ROWS - 1: its skew;
//                               ROWS + c: the register of PE (r, c). PE (r, c) sees place ROWS - 1 + c
//   skew[p * COLS + c]          p = COLS - 1 - c: lane c of `tile`, a wire; up to COLS - 1: its skew
//   loaded[(r + 1) * COLS + c]  of PE (r, c); row 0 is what enters at the column's top
//   sum[(r + 1) * COLS + c]     of PE (r, c); row 0 is lane c of `top`
// verilator lint_off BLKSEQ
module stationary_array_loops #(
    parameter int ROWS = 16,
    parameter int COLS = 16,
    parameter int FP32 = 0,
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 5,
    parameter int SUM_BITS = 32,
    parameter int ACC_BITS = 32,
    parameter int PLACE_BITS = 10,
    parameter int SATURATE = 0,
    parameter int ZERO_GATING = 1,
    parameter int DOUBLE_BUFFERED = 0
) (
    input  logic clk,
    input  logic reset,
    input  logic signed [PLACE_BITS-1:0] lsb,
    input  logic [ROWS-1:0] west_valid,
    input  logic west_first,
    input  logic [ROWS*ROW_BITS-1:0] west,
    input  logic tile_moves,
    input  logic tile_settles,
    input  logic [COLS-1:0] tile_valid,
    input  logic [COLS*COLUMN_BITS-1:0] tile,
    input  logic [COLS-1:0] top_valid,
    input  logic [COLS*SUM_BITS-1:0] top,
    output logic [COLS-1:0] bottom_valid,
    output logic [COLS*SUM_BITS-1:0] bottom
);
  `include "mac_functions.svh"
  `include "register_functions.svh"
  `include "stationary_functions.svh"

  localparam int unsigned LINE = ROWS + COLS;
  localparam int unsigned TOP = (COLS - 1) * COLS;  // of the skew: what enters the columns

  // What comes down a column with a tile's operand.
  localparam int VALID = 2;   // there is one: else the register that it reaches is cleared
  localparam int MOVING = 1;
  localparam int SETTLE = 0;  // the tile's last: behind this edge the column stands still

  logic row_valid[ROWS*LINE] /*verilator public_flat_rd*/;
  logic row_first[ROWS*LINE] /*verilator public_flat_rd*/;
  logic [ROW_BITS-1:0] row[ROWS*LINE] /*verilator public_flat_rd*/;
  logic [2:0] skew_tags[COLS*COLS] /*verilator public_flat_rd*/;
  logic [COLUMN_BITS-1:0] skew[COLS*COLS] /*verilator public_flat_rd*/;
  logic loaded_valid[(ROWS+1)*COLS] /*verilator public_flat_rd*/;
  logic loaded_moves[(ROWS+1)*COLS] /*verilator public_flat_rd*/;
  logic [COLUMN_BITS-1:0] loaded[(ROWS+1)*COLS] /*verilator public_flat_rd*/;
  logic active_valid[ROWS*COLS] /*verilator public_flat_rd*/;
  logic [COLUMN_BITS-1:0] active[ROWS*COLS] /*verilator public_flat_rd*/;
  logic sum_valid[(ROWS+1)*COLS] /*verilator public_flat_rd*/;
  logic [SUM_BITS-1:0] sum[(ROWS+1)*COLS] /*verilator public_flat_rd*/;

  task automatic see_ports();
    for (int unsigned r = 0; r < ROWS; r++) begin
      row_valid[r*LINE+ROWS-1-r] = west_valid[r];
      row_first[r*LINE+ROWS-1-r] = west_valid[r] && west_first;
      row[r*LINE+ROWS-1-r] = west[r*ROW_BITS+:ROW_BITS];
    end
    for (int unsigned c = 0; c < COLS; c++) begin
      skew_tags[(COLS-1-c)*COLS+c] = {tile_valid[c], tile_moves, tile_settles};
      skew[(COLS-1-c)*COLS+c] = tile[c*COLUMN_BITS+:COLUMN_BITS];
      sum_valid[c] = top_valid[c];
      sum[c] = top[c*SUM_BITS+:SUM_BITS];
    end
    for (int unsigned c = 0; c < COLS; c++) begin
      loaded_valid[c] = skew_tags[TOP+c][VALID];
      loaded_moves[c] = skew_tags[TOP+c][MOVING];
      loaded[c] = skew[TOP+c];
    end
  endtask

  // From the bottom up, so that each still sees the sum above as it was.
  task automatic add_products();
    for (int unsigned up = 1; up <= ROWS; up++) begin
      for (int unsigned c = 0; c < COLS; c++) begin
        logic from_loaded;
        from_loaded = st_from_loaded(row_first[(ROWS-up)*LINE+ROWS-1+c]);
        sum[(ROWS-up+1)*COLS+c] = sum_taken(
            sum_valid[(ROWS-up)*COLS+c],
            st_sum(row_valid[(ROWS-up)*LINE+ROWS-1+c] &&
                       chosen_bit(from_loaded, loaded_valid[(ROWS-up+1)*COLS+c],
                                  active_valid[(ROWS-up)*COLS+c]),
                   sum[(ROWS-up)*COLS+c], row[(ROWS-up)*LINE+ROWS-1+c],
                   column_taken(from_loaded, loaded[(ROWS-up+1)*COLS+c],
                                active[(ROWS-up)*COLS+c]), lsb),
            sum[(ROWS-up+1)*COLS+c]);
      end
    end
    for (int unsigned i = (ROWS + 1) * COLS - 1; i >= COLS; i--) sum_valid[i] = sum_valid[i-COLS];
  endtask

  function automatic chosen_bit(input logic choice, input logic yes, input logic no);
    chosen_bit = choice ? yes : no;
  endfunction

  // Where a fold begins, the second register takes the loaded one as it was before the edge.
  task automatic copy_loaded();
    for (int unsigned r = 0; r < ROWS; r++) begin
      for (int unsigned c = 0; c < COLS; c++) begin
        active[r*COLS+c] = column_taken(
            row_first[r*LINE+ROWS-1+c] && loaded_valid[(r+1)*COLS+c], loaded[(r+1)*COLS+c],
            active[r*COLS+c]);
        active_valid[r*COLS+c] = chosen_bit(
            row_first[r*LINE+ROWS-1+c], loaded_valid[(r+1)*COLS+c], active_valid[r*COLS+c]);
      end
    end
  endtask

  function automatic begins_any();
    begins_any = 0;
    for (int unsigned i = 0; i < ROWS * LINE; i++) begins_any = begins_any | row_first[i];
  endfunction

  function automatic moves_any();
    moves_any = 0;
    for (int unsigned c = 0; c < COLS; c++) moves_any = moves_any | loaded_moves[c];
  endfunction

  // From the bottom up, so that each still sees the operand above as it was.
  task automatic load_tile();
    for (int unsigned up = 1; up <= ROWS; up++) begin
      for (int unsigned c = 0; c < COLS; c++) begin
        logic loads;
        loads = st_loads(loaded_moves[c], loaded_moves[(ROWS-up)*COLS+c]);
        loaded[(ROWS-up+1)*COLS+c] = column_taken(
            loads && loaded_valid[(ROWS-up)*COLS+c], loaded[(ROWS-up)*COLS+c],
            loaded[(ROWS-up+1)*COLS+c]);
        loaded_valid[(ROWS-up+1)*COLS+c] = chosen_bit(
            loads, loaded_valid[(ROWS-up)*COLS+c], loaded_valid[(ROWS-up+1)*COLS+c]);
        loaded_moves[(ROWS-up+1)*COLS+c] = st_moves(
            loaded_moves[c], skew_tags[TOP+c][SETTLE], loaded_moves[(ROWS-up)*COLS+c],
            loaded_moves[(ROWS-up+1)*COLS+c]);
      end
    end
  endtask

  // From the far end on, so that each still sees the one before it as it was. What goes from the end of
  // one row's line to the beginning of the next is overwritten by that row's port.
  task automatic move_operands();
    for (int unsigned i = ROWS * LINE - 1; i > 0; i--) begin
      row[i] = row_taken(row_valid[i-1], row[i-1], row[i]);
    end
    for (int unsigned i = ROWS * LINE - 1; i > 0; i--) row_valid[i] = row_valid[i-1];
    for (int unsigned i = ROWS * LINE - 1; i > 0; i--) row_first[i] = row_first[i-1];
    for (int unsigned i = COLS * COLS - 1; i >= COLS; i--) begin
      skew[i] = column_taken(skew_tags[i-COLS][VALID], skew[i-COLS], skew[i]);
    end
    for (int unsigned i = COLS * COLS - 1; i >= COLS; i--) skew_tags[i] = skew_tags[i-COLS];
  endtask

  task automatic clear();
    for (int unsigned i = 0; i < ROWS * LINE; i++) begin
      row_valid[i] = 0;
      row_first[i] = 0;
      row[i] = 0;
    end
    for (int unsigned i = 0; i < COLS * COLS; i++) begin
      skew_tags[i] = 0;
      skew[i] = 0;
    end
    for (int unsigned i = 0; i < ROWS * COLS; i++) begin
      active_valid[i] = 0;
      active[i] = 0;
    end
    for (int unsigned i = 0; i < (ROWS + 1) * COLS; i++) begin
      loaded_valid[i] = 0;
      loaded_moves[i] = 0;
      loaded[i] = 0;
      sum_valid[i] = 0;
      sum[i] = 0;
    end
  endtask

  always @(posedge clk) begin
    if (reset) begin
      clear();
    end else begin
      see_ports();
      add_products();
      if (DOUBLE_BUFFERED != 0 && begins_any()) copy_loaded();
      if (moves_any()) load_tile();
      move_operands();
    end
    for (int unsigned c = 0; c < COLS; c++) begin
      bottom_valid[c] = sum_valid[ROWS*COLS+c];
      bottom[c*SUM_BITS+:SUM_BITS] = sum[ROWS*COLS+c];
    end
  end
endmodule
