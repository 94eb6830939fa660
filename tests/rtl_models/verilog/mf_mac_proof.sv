// The MF-MAC beside a multiplication, a shift and an addition: for every input that its accumulator
// holds they are equal. A solver shows it (proof_test.py).
module mf_mac_proof #(
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 5,
    parameter int ACC_BITS = 32,
    parameter int PLACE_BITS = 10,
    parameter int SATURATE = 0
) (
    input  logic [ACC_BITS-1:0] sum,
    input  logic [ROW_BITS-1:0] row,
    input  logic [COLUMN_BITS-1:0] column,
    input  logic signed [PLACE_BITS-1:0] lsb,
    output logic holds
);
  logic adds;
  logic [ACC_BITS-1:0] result;
  mf_mac #(
      .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS), .ACC_BITS(ACC_BITS), .PLACE_BITS(PLACE_BITS),
      .SATURATE(SATURATE)
  ) unit (
      .sum(sum), .row(row), .column(column), .lsb(lsb), .adds(adds), .result(result)
  );

  // +1, -1, or 0.
  wire row_is_zero = $signed(row[ROW_BITS-2:0]) == -(1 << (ROW_BITS - 2));
  wire column_is_zero = $signed(column[COLUMN_BITS-2:0]) == -(1 << (COLUMN_BITS - 2));
  wire signed [ACC_BITS+1:0] row_sign = row_is_zero ? 0 : row[ROW_BITS-1] ? -1 : 1;
  wire signed [ACC_BITS+1:0] column_sign = column_is_zero ? 0 : column[COLUMN_BITS-1] ? -1 : 1;
  wire signed [PLACE_BITS+1:0] place = $signed(row[ROW_BITS-2:0]) + $signed(column[COLUMN_BITS-2:0]) - lsb;
  wire signed [ACC_BITS+1:0] product = (row_sign * column_sign) <<< place[PLACE_BITS:0];
  wire signed [ACC_BITS+1:0] addend = place < 0 ? 0 : product;
  wire signed [ACC_BITS+1:0] total = $signed(sum) + addend;
  wire signed [ACC_BITS+1:0] most = (1 <<< (ACC_BITS - 1)) - 1;
  wire signed [ACC_BITS+1:0] clamped = total > most ? most : total < -most - 1 ? -most - 1 : total;
  wire [ACC_BITS-1:0] expected = SATURATE != 0 ? clamped[ACC_BITS-1:0] : total[ACC_BITS-1:0];
  // Nobody builds a machine whose accumulator holds no largest product, nor an lsb past its range.
  wire is_built = place < ACC_BITS - 1 && lsb >= -(1 << (PLACE_BITS - 2)) && lsb < (1 << (PLACE_BITS - 2));
  assign holds = !is_built || (result == expected && adds == (addend != 0));
endmodule
