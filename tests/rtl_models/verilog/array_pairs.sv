// Each array twice, of modules and of loops, side by side over the same inputs, with widths that all
// differ. `differs` tells of their outputs.
/* verilator lint_off DECLFILENAME */
module output_stationary_pair #(
    parameter int ROWS = 3,
    parameter int COLS = 5,
    parameter int ROW_BITS = 7,
    parameter int COLUMN_BITS = 5,
    parameter int SUM_BITS = 24,
    parameter int PLACE_BITS = 12
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
    output logic [COLS-1:0] pair_shifts,
    output logic differs
);
  logic [COLS-1:0] loops_shifts;
  logic [COLS-1:0] modules_valid;
  logic [COLS-1:0] loops_valid;
  logic [COLS*SUM_BITS-1:0] result;
  logic [COLS*SUM_BITS-1:0] loops_result;

  output_stationary_array #(
      .ROWS(ROWS), .COLS(COLS), .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS),
      .SUM_BITS(SUM_BITS), .ACC_BITS(20), .PLACE_BITS(PLACE_BITS), .SATURATE(1)
  ) modules (
      .clk, .reset, .lsb, .west_valid, .west, .north_valid, .north_first, .north_last, .north,
      .result_shifts(pair_shifts), .result_valid(modules_valid), .result);
  output_stationary_array_loops #(
      .ROWS(ROWS), .COLS(COLS), .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS),
      .SUM_BITS(SUM_BITS), .ACC_BITS(20), .PLACE_BITS(PLACE_BITS), .SATURATE(1)
  ) loops (
      .clk, .reset, .lsb, .west_valid, .west, .north_valid, .north_first, .north_last, .north,
      .result_shifts(loops_shifts), .result_valid(loops_valid), .result(loops_result));

  assign differs = pair_shifts != loops_shifts || modules_valid != loops_valid || result != loops_result;
endmodule

module stationary_pair #(
    parameter int ROWS = 5,
    parameter int COLS = 3,
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 6,
    parameter int SUM_BITS = 20,
    parameter int PLACE_BITS = 10
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
    output logic [1:0] differs  // with one register for the tile, with two
);
  for (genvar buffered = 0; buffered < 2; buffered++) begin : g_kind
    logic [COLS-1:0] modules_valid;
    logic [COLS-1:0] loops_valid;
    logic [COLS*SUM_BITS-1:0] bottom;
    logic [COLS*SUM_BITS-1:0] loops_bottom;

    stationary_array #(
        .ROWS(ROWS), .COLS(COLS), .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS),
        .SUM_BITS(SUM_BITS), .ACC_BITS(SUM_BITS), .PLACE_BITS(PLACE_BITS),
        .DOUBLE_BUFFERED(buffered)
    ) modules (
        .clk, .reset, .lsb, .west_valid, .west_first, .west, .tile_moves, .tile_settles, .tile_valid,
        .tile, .top_valid, .top, .bottom_valid(modules_valid), .bottom);
    stationary_array_loops #(
        .ROWS(ROWS), .COLS(COLS), .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS),
        .SUM_BITS(SUM_BITS), .ACC_BITS(SUM_BITS), .PLACE_BITS(PLACE_BITS),
        .DOUBLE_BUFFERED(buffered)
    ) loops (
        .clk, .reset, .lsb, .west_valid, .west_first, .west, .tile_moves, .tile_settles, .tile_valid,
        .tile, .top_valid, .top, .bottom_valid(loops_valid), .bottom(loops_bottom));
    assign differs[buffered] = modules_valid != loops_valid || bottom != loops_bottom;
  end
  assign bottom_valid = g_kind[0].modules_valid;
endmodule
