// The baseline's arithmetic, once: binary32 multiplication and addition, each rounded to nearest even
// (IEEE 754-2019, 4.3.1), subnormals kept, every NaN that comes out the one canonical quiet NaN: what
// rtl_models/arithmetic/fp32_mac.hpp says, in gates.

  localparam logic [31:0] FP32_NAN = 32'h7FC00000;

  // These three take a magnitude, without its sign.
  function automatic fp32_is_nan(input logic [30:0] x);
    fp32_is_nan = x[30:23] == 8'hFF && x[22:0] != 0;
  endfunction

  function automatic fp32_is_infinite(input logic [30:0] x);
    fp32_is_infinite = x[30:23] == 8'hFF && x[22:0] == 0;
  endfunction

  function automatic fp32_is_zero(input logic [30:0] x);
    fp32_is_zero = x == 0;
  endfunction

  // The exponent field, 1 for subnormals, whose hidden bit is 0.
  function automatic logic [7:0] fp32_exponent(input logic [7:0] field);
    fp32_exponent = field == 0 ? 8'd1 : field;
  endfunction

  function automatic logic [23:0] fp32_significand(input logic [30:0] x);
    fp32_significand = {x[30:23] != 0, x[22:0]};
  endfunction

  // Zeros above the highest one of 48 bits, by halves: is the upper half all zero, then the upper half
  // of what is left, ... Of 0 it is of no use.
  function automatic logic [5:0] fp32_leading_zeros(input logic [47:0] x);
    logic [63:0] rest;
    logic [5:0] zeros;
    rest = {x, 16'd0};
    zeros = 0;
    if (rest[63:32] == 0) begin
      zeros[5] = 1'b1;
      rest = rest << 32;
    end
    if (rest[63:48] == 0) begin
      zeros[4] = 1'b1;
      rest = rest << 16;
    end
    if (rest[63:56] == 0) begin
      zeros[3] = 1'b1;
      rest = rest << 8;
    end
    if (rest[63:60] == 0) begin
      zeros[2] = 1'b1;
      rest = rest << 4;
    end
    if (rest[63:62] == 0) begin
      zeros[1] = 1'b1;
      rest = rest << 2;
    end
    zeros[0] = !rest[63];
    fp32_leading_zeros = zeros;
  endfunction

  // The value +-significand * 2^(exponent - 127 - 47) as binary32. `exponent` is the field that a
  // significand with its highest bit set would have; a lower one is moved up, as far as the exponent
  // allows. `sticky`: something lies below.
  function automatic logic [31:0] fp32_rounded(
      input logic sign, input logic signed [10:0] exponent, input logic [47:0] significand,
      input logic sticky);
    logic [5:0] zeros;
    logic signed [10:0] field;
    logic [47:0] moved;
    logic [47:0] kept;
    logic [10:0] down;
    logic lost;
    logic [30:0] magnitude;
    zeros = fp32_leading_zeros(significand);
    moved = significand << zeros;
    field = exponent - $signed({5'd0, zeros});
    lost = sticky;
    kept = moved;
    if (field < 1) begin
      down = 11'd1 - field;
      kept = down > 11'd47 ? 48'd0 : moved >> down;
      lost = sticky || (down > 11'd47 ? moved != 0 : (kept << down) != moved);
      field = 0;
    end
    // Rounding carries into the exponent by itself. Without a hidden bit the field is 0.
    magnitude = {field[7:0], kept[46:24]} +
                {30'd0, kept[23] && (kept[24] || kept[22:0] != 0 || lost)};
    if (field >= 255 || magnitude[30:23] == 8'hFF) magnitude = {8'hFF, 23'd0};
    if (significand == 0) magnitude = 0;
    fp32_rounded = {sign, magnitude};
  endfunction

  function automatic logic [31:0] fp32_multiply(input logic [31:0] a, input logic [31:0] b);
    logic sign;
    logic [47:0] product;
    logic signed [10:0] exponent;
    sign = a[31] ^ b[31];
    product = {24'd0, fp32_significand(a[30:0])} * {24'd0, fp32_significand(b[30:0])};
    // Two significands with their hidden bits at 23 have theirs at 46 or 47: one up.
    exponent = $signed({3'd0, fp32_exponent(a[30:23])}) + $signed({3'd0, fp32_exponent(b[30:23])}) - 11'sd126;
    if (fp32_is_nan(a[30:0]) || fp32_is_nan(b[30:0]) || (fp32_is_infinite(a[30:0]) && fp32_is_zero(b[30:0])) ||
        (fp32_is_zero(a[30:0]) && fp32_is_infinite(b[30:0]))) begin
      fp32_multiply = FP32_NAN;
    end else if (fp32_is_infinite(a[30:0]) || fp32_is_infinite(b[30:0])) begin
      fp32_multiply = {sign, 8'hFF, 23'd0};
    end else begin
      fp32_multiply = fp32_rounded(sign, exponent, product, 1'b0);
    end
  endfunction

  function automatic logic [31:0] fp32_add(input logic [31:0] a, input logic [31:0] b);
    logic [31:0] upper;
    logic [31:0] lower;
    logic [7:0] apart;
    logic [47:0] of_upper;
    logic [47:0] of_lower;
    logic [47:0] moved;
    logic sticky;
    logic [47:0] total;
    upper = a[30:0] < b[30:0] ? b : a;
    lower = a[30:0] < b[30:0] ? a : b;
    apart = fp32_exponent(upper[30:23]) - fp32_exponent(lower[30:23]);
    // One bit above for the carry, the rest below for what is moved down.
    of_upper = {1'b0, fp32_significand(upper[30:0]), 23'd0};
    of_lower = {1'b0, fp32_significand(lower[30:0]), 23'd0};
    moved = apart > 8'd47 ? 48'd0 : of_lower >> apart;
    sticky = apart > 8'd47 ? of_lower != 0 : (moved << apart) != of_lower;
    if (upper[31] == lower[31]) begin
      total = of_upper + moved;
    end else begin
      // What is left below makes the difference a little smaller.
      total = of_upper - moved - {47'd0, sticky};
    end
    if (fp32_is_nan(a[30:0]) || fp32_is_nan(b[30:0]) ||
        (fp32_is_infinite(a[30:0]) && fp32_is_infinite(b[30:0]) && a[31] != b[31])) begin
      fp32_add = FP32_NAN;
    end else if (fp32_is_infinite(upper[30:0])) begin
      fp32_add = upper;
    end else if (total == 0) begin
      // Two zeros keep the sign that they share; else what cancels is +0.
      fp32_add = {a[31] && b[31], 31'd0};
    end else begin
      fp32_add = fp32_rounded(upper[31], $signed({3'd0, fp32_exponent(upper[30:23])}) + 11'sd1, total, sticky);
    end
  endfunction

  // from + a * b, with two roundings.
  function automatic logic [31:0] fp32_mac_sum(
      input logic [31:0] from, input logic [31:0] a, input logic [31:0] b);
    fp32_mac_sum = fp32_add(from, fp32_multiply(a, b));
  endfunction
