using System.CommandLine;
using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using PaintToPhoto;

// A web page to paint label maps on, and the photos that a model makes of them.
//   dotnet run -c Release --project samples/PaintToPhoto
var model = new Option<FileInfo?>("--model", "-m") { Description = "The model that paints. Without one, a model of street scenes is trained at the first start.", HelpName = "model.zip" };
var preview = new Option<FileInfo?>("--preview-model") { Description = "A smaller model of the same classes, which paints while the hand moves.", HelpName = "small.zip" };
var examples = new Option<DirectoryInfo?>("--examples") { Description = "Folder of label images to start from.", HelpName = "DIR" };
var folder = new Option<DirectoryInfo>("--folder") { Description = "Where the trained model is kept.", HelpName = "DIR", DefaultValueFactory = _ => new DirectoryInfo("paint-to-photo") };
var scenes = new Option<int>("--scenes") { Description = "How many scenes are drawn to learn from.", HelpName = "N", DefaultValueFactory = _ => 300 };
var epochs = new Option<int>("--epochs") { Description = "How often each is seen at the smaller of the two sizes; it is seen half as often at the larger.", HelpName = "N", DefaultValueFactory = _ => 6 };
var urls = new Option<string>("--urls") { Description = "Where to listen; only this machine can reach it unless another address is given.", HelpName = "URL", DefaultValueFactory = _ => PaintServer.DefaultUrl };
var command = new RootCommand(
    """
    Paint a label map in the browser and see the photo appear.

    The first start trains a small model of street scenes, which takes some minutes, and keeps it:
      PaintToPhoto
    Any model that 'crn train' or a pipeline made can be painted with:
      PaintToPhoto --model model.zip --examples data/labels
    """)
{
    model, preview, examples, folder, scenes, epochs, urls,
};
command.SetAction((parsed, stop) => PaintServer.RunAsync(
    new PaintSettings
    {
        ModelPath = parsed.GetValue(model)?.FullName,
        PreviewModelPath = parsed.GetValue(preview)?.FullName,
        ExamplesFolder = parsed.GetValue(examples)?.FullName,
        Folder = parsed.GetValue(folder)!.FullName,
        Scenes = parsed.GetValue(scenes),
        Epochs = parsed.GetValue(epochs),
        Url = parsed.GetValue(urls)!,
    }, stop));

var arguments = command.Parse(args);
try
{
    // The web server stops in good order on Ctrl-C and SIGTERM by itself.
    return await arguments.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (Exception e) when (e is IOException or InvalidDataException or FormatException or ArgumentException or InvalidOperationException
    or UnauthorizedAccessException or TorchBackendException or ExternalException)
{
    Console.Error.WriteLine($"PaintToPhoto: {e.Message}");
    return 1;
}
