// Empties one column's shadow registers. When the operand tagged last reaches the bottom PE, the
// bottom result is captured at that edge; from the next on the column shifts for ROWS edges, and a
// result leaves the bottom at each.
module column_drain #(
    parameter int ROWS = 16
) (
    input  logic clk,
    input  logic reset,
    input  logic ends,    // an operand tagged last goes into the bottom PE
    output logic shifts,
    output logic starts   // at the first edge of a fold's drain
);
  localparam int COUNT_BITS = $clog2(ROWS + 1);
  logic [COUNT_BITS-1:0] remaining;

  assign shifts = remaining != 0;

  always_ff @(posedge clk) begin
    starts <= ends && !reset;
    if (reset) remaining <= '0;
    else if (ends) remaining <= COUNT_BITS'(ROWS);
    else if (shifts) remaining <= remaining - 1'b1;
  end
endmodule
