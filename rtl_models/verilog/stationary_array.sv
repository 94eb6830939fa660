// The stationary systolic array: ROWS x COLS PEs that each keep one element of a tile, skew at its
// edges. Weight stationary keeps the second operand and streams the first; input stationary is the
// same hardware with the operands' roles changed.
//
//            tile 0     tile 1      A tile enters bottom row first, one row of it an edge, unskewed;
//             |          | (skew 1) the streaming operand's element (m, k) enters lane k of `west` in
//  west 0 -- PE00 ----- PE01        cycle m, unskewed. The sum of (m, c) enters lane c of `top` in
//             |          |          cycle m + c: the memory that holds it is banked by column, and
//  west 1 -- PE10 ----- PE11        needs no skew. It is in lane c of `bottom` behind the edge of
//  (skew 1)   |          |          cycle m + ROWS - 1 + c. Lane i of a port is its i-th field from the
//          bottom 0   bottom 1      low end.
//
// This is the array to synthesize. stationary_array_loops.sv is the same, to simulate.
// Parameters: mac_functions.svh, stationary_functions.svh.
module stationary_array #(
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
    input  logic west_first,                // of all lanes: a fold's first slot
    input  logic [ROWS*ROW_BITS-1:0] west,
    input  logic tile_moves,                // a row of a tile enters, also where it has no element
    input  logic tile_settles,              // it is the tile's last
    input  logic [COLS-1:0] tile_valid,
    input  logic [COLS*COLUMN_BITS-1:0] tile,
    input  logic [COLS-1:0] top_valid,
    input  logic [COLS*SUM_BITS-1:0] top,
    output logic [COLS-1:0] bottom_valid,
    output logic [COLS*SUM_BITS-1:0] bottom
);
  // Wires: number r * (COLS + 1) + c goes into PE (r, c) from the west, r * COLS + c from the north.
  // Operands that leave the last PE of a row or of a column go nowhere.
  // verilator lint_off UNUSEDSIGNAL
  logic [ROWS*(COLS+1)-1:0] row_valid;
  logic [ROWS*(COLS+1)-1:0] row_first;
  logic [ROWS*(COLS+1)*ROW_BITS-1:0] row;
  logic [(ROWS+1)*COLS-1:0] tile_wire_valid;
  logic [(ROWS+1)*COLS-1:0] tile_wire_moves;
  logic [(ROWS+1)*COLS*COLUMN_BITS-1:0] tile_wire;
  // verilator lint_on UNUSEDSIGNAL
  logic [COLS-1:0] column_settles;
  logic [(ROWS+1)*COLS-1:0] sum_valid;
  logic [(ROWS+1)*COLS*SUM_BITS-1:0] sum;

  assign sum_valid[COLS-1:0] = top_valid;
  assign sum[COLS*SUM_BITS-1:0] = top;
  assign bottom_valid = sum_valid[ROWS*COLS+:COLS];
  assign bottom = sum[ROWS*COLS*SUM_BITS+:COLS*SUM_BITS];

  for (genvar r = 0; r < ROWS; r++) begin : g_west
    localparam int WIRE = r * (COLS + 1);
    if (r == 0) begin : g_corner
      assign row_valid[WIRE] = west_valid[r];
      assign row_first[WIRE] = west_valid[r] && west_first;
      assign row[WIRE*ROW_BITS+:ROW_BITS] = west[r*ROW_BITS+:ROW_BITS];
    end else begin : g_skew
      skew_line #(.DEPTH(r), .BITS(ROW_BITS), .TAGS(1)) line (
          .clk, .reset, .valid(west_valid[r]), .tags(west_valid[r] && west_first),
          .data(west[r*ROW_BITS+:ROW_BITS]), .out_valid(row_valid[WIRE]),
          .out_tags(row_first[WIRE]), .out_data(row[WIRE*ROW_BITS+:ROW_BITS]));
    end
  end

  for (genvar c = 0; c < COLS; c++) begin : g_north
    if (c == 0) begin : g_corner
      assign tile_wire_valid[c] = tile_valid[c];
      assign tile_wire_moves[c] = tile_moves;
      assign column_settles[c] = tile_settles;
      assign tile_wire[c*COLUMN_BITS+:COLUMN_BITS] = tile[c*COLUMN_BITS+:COLUMN_BITS];
    end else begin : g_skew
      skew_line #(.DEPTH(c), .BITS(COLUMN_BITS), .TAGS(2)) line (
          .clk, .reset, .valid(tile_valid[c]), .tags({tile_moves, tile_settles}),
          .data(tile[c*COLUMN_BITS+:COLUMN_BITS]), .out_valid(tile_wire_valid[c]),
          .out_tags({tile_wire_moves[c], column_settles[c]}),
          .out_data(tile_wire[c*COLUMN_BITS+:COLUMN_BITS]));
    end
  end

  for (genvar r = 0; r < ROWS; r++) begin : g_row
    for (genvar c = 0; c < COLS; c++) begin : g_pe
      localparam int WEST = r * (COLS + 1) + c;
      localparam int EAST = WEST + 1;
      localparam int NORTH = r * COLS + c;
      localparam int SOUTH = NORTH + COLS;
      stationary_pe #(
          .FP32(FP32), .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS), .SUM_BITS(SUM_BITS),
          .ACC_BITS(ACC_BITS), .PLACE_BITS(PLACE_BITS), .SATURATE(SATURATE),
          .ZERO_GATING(ZERO_GATING), .DOUBLE_BUFFERED(DOUBLE_BUFFERED)
      ) pe (
          .clk, .reset, .lsb,
          .west_valid(row_valid[WEST]), .west_first(row_first[WEST]),
          .west(row[WEST*ROW_BITS+:ROW_BITS]),
          .column_moves(tile_wire_moves[c]), .column_settles(column_settles[c]),
          .above_valid(tile_wire_valid[NORTH]), .above_moves(tile_wire_moves[NORTH]),
          .above(tile_wire[NORTH*COLUMN_BITS+:COLUMN_BITS]),
          .north_valid(sum_valid[NORTH]), .north(sum[NORTH*SUM_BITS+:SUM_BITS]),
          .east_valid(row_valid[EAST]), .east_first(row_first[EAST]),
          .east(row[EAST*ROW_BITS+:ROW_BITS]),
          .below_valid(tile_wire_valid[SOUTH]), .below_moves(tile_wire_moves[SOUTH]),
          .below(tile_wire[SOUTH*COLUMN_BITS+:COLUMN_BITS]),
          .south_valid(sum_valid[SOUTH]), .south(sum[SOUTH*SUM_BITS+:SUM_BITS]));
    end
  end
endmodule
