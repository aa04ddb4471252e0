using System.CommandLine;
using System.CommandLine.Invocation;
using CrnMlNet.Cli;
using CrnMlNet.Cli.Commands;
using CrnMlNet.Cli.Comparisons;

var root = new RootCommand(
    $"""
    Paints photographs from semantic label maps with a Cascaded Refinement Network.

    First look at your label images, then train a model on pairs of label images and photos, then synthesize photos from any label images:
      crn inspect data/labels --photos data/photos
      crn train --labels data/labels --photos data/photos --output model.zip
      crn synthesize --model model.zip --labels data/more-labels --output photos
      crn train-segmenter --labels data/labels --photos data/photos --output segmenter.safetensors
      crn evaluate --model model.zip --labels data/val/labels --photos data/val/photos --segmenter segmenter.safetensors
      crn study create --system crn=photos --system gan=other-photos --output study
      crn import vgg19 vgg19-dcbb9e9d.pth
      crn import crn result_256p/model.ckpt --output crn-256p.zip

    Exit codes:
      {ExitCode.Success,-4} done
      {ExitCode.Failure,-4} bad input, or a failure that one line on stderr explains ({Failure.DebugVariable}=1 adds the stack trace)
      {ExitCode.Usage,-4} wrong usage
      {ExitCode.Diverged,-4} a training diverged: its loss is no number any more, or its discriminator has collapsed
      {ExitCode.Partial,-4} some label images could not be painted; the others are, and failures.csv says why
      {ExitCode.Bug,-4} a fault in crn itself
      {ExitCode.Interrupted,-4} stopped by Ctrl-C ({ExitCode.Terminated}: by SIGTERM); train saves what was learned first
    """)
{
    TrainCommand.Create(),
    SynthesizeCommand.Create(),
    TrainSegmenterCommand.Create(),
    VividCommand.Create(),
    InspectCommand.Create(),
    EvaluateCommand.Create(),
    CompareCommand.Create(),
    StudyCommand.Create(),
    ExportCommand.Create(),
    BenchCommand.Create(),
    ImportCommand.Create(),
};

ParentWatch.StartIfAsked();
var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
if (parsed.Action is ParseErrorAction parseError)
    parseError.ShowHelp = false;
try
{
    // No termination timeout: the commands handle Ctrl-C themselves, because saving a model may take longer than any.
    int code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    return parsed.Action is ParseErrorAction || args.Length == 0 ? ExitCode.Usage : code;
}
catch (Exception e)
{
    return Failure.Report(e);
}
