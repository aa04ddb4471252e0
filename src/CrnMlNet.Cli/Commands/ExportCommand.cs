using System.CommandLine;
using CrnMlNet.Onnx;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn export</c>: a model in, an ONNX graph out.</summary>
internal static class ExportCommand
{
    private const string Ids = "ids";
    private const string OneHot = "one-hot";

    public static Command Create()
    {
        var model = new Argument<string>("model.zip") { Description = "The model that 'crn train' made." };
        var output = new Argument<string>("model.onnx") { Description = "The file to write." };
        var input = new Option<string>("--input")
        {
            Description = $"What the graph takes: {Ids}, the palette's ids [N, H, W] as an index label image has them; or {OneHot}, a channel for each class and one for void [N, c, H, W].",
            HelpName = $"{Ids}|{OneHot}",
            DefaultValueFactory = _ => Ids,
        }.AcceptOnlyFromAmong(Ids, OneHot);
        var command = new Command("export",
            """
            Writes a model as ONNX, for ONNX Runtime and everything that runs such graphs: ML.NET without CrnMlNet, Python, C++, a browser.

            Example:
              crn export model.zip model.onnx

            The graph gives RGB photos [N, 3, H, W], 0 to 255, for any number N of label maps. Its metadata has the classes, the palette and the size.
            """)
        {
            model, output, input,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(model), parsed.GetRequiredValue(output), parsed.GetRequiredValue(input) == OneHot ? OnnxInput.OneHot : OnnxInput.ClassIds));
        return command;
    }

    private static int Run(string modelPath, string output, OnnxInput input)
    {
        AtomicFile.CheckWritable(output, "model.onnx");
        using var model = ModelFile.Load(new MLContext(), modelPath);
        OnnxExporter.Export(model, output, input);
        Console.WriteLine($"Wrote {output}: {(input == OnnxInput.OneHot ? $"'{OnnxExporter.LayoutName}'" : $"'{OnnxExporter.IdsName}'")} in, '{OnnxExporter.PhotoName}' of {model.Architecture.Height}x{model.Architecture.Width} out.");
        if (File.Exists(OnnxExporter.WeightsPath(output)))
            Console.WriteLine($"Its weights are in {OnnxExporter.WeightsPath(output)}, which has to stay beside it.");
        return ExitCode.Success;
    }
}
