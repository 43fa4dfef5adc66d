# Prints a document with its marked blocks made anew from the sources:
#
#   <!-- code FILE NAME -->      what stands in FILE between `// [readme: NAME]` and `// [readme: end]`
#   <!-- file FILE LANGUAGE -->  a whole file
#   <!-- error FILE -->          the first error of g++ for FILE
#   <!-- output FILE -->         what FILE prints, as a program without LibTorch
#   <!-- policies AXIS -->       a table of the axis, from the cards of its policies
#   <!-- rules -->               a table of every rule that the compiler checks, from the sentences in the headers
#
# Each block ends at `<!-- end -->`. Used as: perl blocks.pl DOCUMENT, in the repository's root.
use strict;
use warnings;
use File::Temp;

sub slurp { local (@ARGV, $/) = (shift); return scalar <>; }

sub code {
  my ($file, $name) = @_;
  slurp($file) =~ m{^[ ]*// \[readme: \Q$name\E\]\n(.*?)^[ ]*// \[readme: end\]}ms or die "$file has no block '$name'\n";
  my $block = $1;
  my ($indent) = sort { length $a <=> length $b } $block =~ m{^([ ]*)\S}mg;
  $block =~ s{^$indent}{}mg;
  return "```cpp\n$block```\n";
}

my $compile = 'LC_ALL=C g++ -std=c++20 -fmessage-length=0 -Iinclude -Ipolicies -Itests '
  . join ' ', map { "-isystem '$_'" } split ' ', $ENV{ASHLAR_INCLUDES} // '';

sub output {
  my ($file) = @_;
  my $program = File::Temp->new(UNLINK => 1);
  close $program;
  system("$compile '$file' -o '$program'") == 0 or die "g++ does not compile $file\n";
  my $text = qx{'$program'};
  $? == 0 or die "$file does not run\n";
  return $text;
}

sub first_error {
  my ($file) = @_;
  my $log = qx{$compile -fsyntax-only '$file' 2>&1};
  $log =~ m{(error: .*)} or die "g++ finds no error in $file:\n$log";
  return "```\n$1\n```\n";
}

sub card {
  my ($file) = @_;
  my ($head) = slurp($file) =~ m{\A((?://.*\n)+)} or die "$file has no card\n";
  my ($name) = $head =~ m{\A// (\S+?):? } or die;
  my %card = $head =~ m{^//   (\S.{15})\s(.*)$}mg;
  return ($name =~ s{:$}{}r, map { s{\s+$}{}r } %card);
}

sub policies {
  my ($axis) = @_;
  my $table = "| `${axis}::` | each rank keeps | each step sends |\n|---|---|---|\n";
  my @order = map { m{include <ashlar/($axis/\S+)>} ? $1 : () } split /\n/, slurp('policies/ashlar/policies.hpp');
  my %rank = ('replicate' => 0, 'zero1' => 1, 'zero2' => 2, 'shard_grad_op' => 3, 'zero3' => 4, 'fp32' => 0,
              'bf16_mixed' => 1, 'bf16_pure' => 2, 'whole_model' => 0, 'each' => 1, 'by_size' => 2);
  my $by = sub { my ($stem) = $_[0] =~ m{/(\w+)\.hpp}; return $rank{$stem} // 9; };
  for my $file (sort { $by->($a) <=> $by->($b) } @order) {
    my ($name, %card) = card("policies/ashlar/$file");
    $table .= "| `$name` | $card{'each rank keeps'} | $card{'each step sends'} |\n";
  }
  return $table;
}

sub rules {
  my %sentence;
  for my $file (split /\n/, qx{find include policies -name '*.hpp' | sort}) {
    my $text = slurp($file);
    while ($text =~ m{static_assert\((?:(?!static_assert)[^;])*?"\[ashlar\.([a-z]+\.\d+)\] ((?:[^"\\]|"\s*")*)"\s*\)}sg) {
      my ($id, $words) = ($1, $2);
      $words =~ s{"\s*"}{}g;
      die "[ashlar.$id] has two sentences\n" if exists $sentence{$id} && $sentence{$id} ne $words;
      $sentence{$id} = $words;
    }
  }
  my @axes = qw(trainer shard precision offload wrap checkpoint model communicator optim nn plan);
  my %order = map { $axes[$_] => $_ } 0 .. $#axes;
  my $key = sub { my ($axis, $n) = split /\./, $_[0]; return ($order{$axis} // 99) * 1000 + $n; };
  my $table = "| id | sentence |\n|---|---|\n";
  for my $id (sort { $key->($a) <=> $key->($b) } keys %sentence) {
    my $words = $sentence{$id} =~ s{([^\s(]*<[^>]*>(?:\(\))?)}{`$1`}gr;
    $table .= "| $id | $words |\n";
  }
  return $table;
}

sub whole_file { return "```$_[1]\n" . slurp($_[0]) . "```\n"; }

my %make = (code => \&code, file => \&whole_file, error => \&first_error, output => \&output, policies => \&policies,
            rules => \&rules);
my $document = slurp($ARGV[0]);
$document =~ s{^(<!-- (code|file|error|output|policies|rules)\b ?([^\n]*?) ?-->\n).*?^(<!-- end -->\n)}
              {$1 . $make{$2}->(split ' ', $3) . $4}gmse;
print $document;
