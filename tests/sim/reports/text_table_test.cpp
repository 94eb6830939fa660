#include "sim/reports/text_table.hpp"

#include <gtest/gtest.h>

#include "sim/reports/cell_text.hpp"
#include "sim/reports/short_names.hpp"

namespace potomac::sim {
namespace {

TextTable small_table() {
  TextTable table({"name", "count"}, 1);
  table.add({"a|b", "1"});
  table.add_section("a section that is wider than any column");
  table.add({"longer", "23456"});
  table.add_rule();
  table.add({"total", "23457"});
  return table;
}

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(small_table().text(TextForm::kPlain),
            "name    count\n"
            "------  -----\n"
            "a|b         1\n"
            "a section that is wider than any column\n"
            "longer  23456\n"
            "------  -----\n"
            "total   23457\n");
}

TEST(TextTable, ATerminalShowsHeadingsInBold) {
  const std::string text = small_table().text(TextForm::kTerminal);
  EXPECT_TRUE(text.starts_with("\x1b[1mname    count\x1b[0m\n")) << text;
  EXPECT_NE(text.find("\x1b[1ma section"), std::string::npos);
}

TEST(TextTable, MarkdownEscapesWhatWouldEndACell) {
  EXPECT_EQ(small_table().text(TextForm::kMarkdown),
            "| name | count |\n"
            "|---|---:|\n"
            "| a\\|b | 1 |\n"
            "| **a section that is wider than any column** |  |\n"
            "| longer | 23456 |\n"
            "| total | 23457 |\n");
}

TEST(TextTable, LatexOfATableAndOfWhatStandsAroundIt) {
  TextTable table({"layer", "util."}, 1);
  table.add_section("conv_1 & {more}");
  table.add({"a\\b", "9%"});
  table.add_rule();
  table.add({"total"});
  EXPECT_EQ(as_latex("100% of $x_1$:\n" + table.text(TextForm::kLatex) + "~ \"end\" <^|#>\n"),
            R"(100\% of \$x\_1\$:
\begin{tabular}{lr}
\toprule
layer & util. \\
\midrule
\multicolumn{2}{l}{\textbf{conv\_1 \& \{more\}}} \\
a\textbackslash{}b & 9\% \\
\midrule
total &  \\
\bottomrule
\end{tabular}
\textasciitilde{} "end" \textless{}\textasciicircum{}\textbar{}\#\textgreater{}
)");
  EXPECT_EQ(as_latex("plain"), "plain");
  EXPECT_EQ(as_latex(""), "");
}

TEST(Paragraph, BreaksAtSpacesBeforeTheLastColumn) {
  const std::string word(39, 'x');
  EXPECT_EQ(paragraph(word + " " + word + "y"), word + " " + word + "y\n");  // 80 columns
  EXPECT_EQ(paragraph(word + " " + word + "yz"), word + "\n" + word + "yz\n");
  EXPECT_EQ(paragraph(std::string(100, 'x')), std::string(100, 'x') + "\n");
}

TEST(CellText, WhatIsNotKnownIsEmptyForProgramsAndADashForPeople) {
  EXPECT_EQ(csv_cell(Cell()), "");
  EXPECT_EQ(text_cell(Cell()), "-");
}

TEST(CellText, NumbersAreWholeForProgramsAndShortForPeople) {
  EXPECT_EQ(csv_cell(Cell(std::uint64_t{12345678})), "12345678");
  EXPECT_EQ(text_cell(Cell(std::uint64_t{12345678})), "12.35 M");
  EXPECT_EQ(csv_cell(Cell(Share{0.25})), "0.25");
  EXPECT_EQ(text_cell(Cell(Share{0.25})), "25.0%");
  EXPECT_EQ(csv_cell(Cell(std::string("a,b"))), "\"a,b\"");
  EXPECT_EQ(text_cell(Cell(std::string("a,b"))), "a,b");
}

TEST(ShortNames, AreLastWordsUnlessTwoKeysShareOne) {
  const ArchitectureKey* const rows = find_architecture_key("array.rows");
  const ArchitectureKey* const pe = find_architecture_key("pe.zero_gating");
  const ArchitectureKey* const baseline = find_architecture_key("baseline.zero_gating");
  ASSERT_TRUE(rows != nullptr && pe != nullptr && baseline != nullptr);
  EXPECT_EQ(short_names({rows, pe}), (std::vector<std::string>{"rows", "zero_gating"}));
  EXPECT_EQ(short_names({pe, baseline}),
            (std::vector<std::string>{"pe.zero_gating", "baseline.zero_gating"}));
}

}  // namespace
}  // namespace potomac::sim
