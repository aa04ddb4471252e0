using System.Globalization;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Weights;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Names and shapes of a network's parameters against the variables of the authors' published checkpoints.</summary>
public sealed class AuthorsNamesTests
{
    // Inputs and outputs of the two convolutions of each refinement module, by the rows that it works at, as the
    // published checkpoints have them: the 256p one up to 256, the 512p one up to 512, the 1024p one all.
    private static readonly (int Rows, int Inputs, int Outputs)[] PublishedModules =
    [
        (4, 20, 1024), (8, 1044, 1024), (16, 1044, 1024), (32, 1044, 1024), (64, 1044, 1024),
        (128, 1044, 512), (256, 532, 512), (512, 532, 128), (1024, 148, 32),
    ];

    [Theory]
    [InlineData(256, 9, new long[] { 1, 1, 512, 27 }, 97_875_483)]
    [InlineData(512, 1, new long[] { 1, 1, 128, 3 }, 98_622_851)]
    [InlineData(1024, 1, new long[] { 1, 1, 32, 3 }, 98_674_531)]
    public void ABuiltNetworkHasTheVariablesOfThePublishedCheckpoint(int rows, int images, long[] head, long parameters)
    {
        using var network = new CascadedRefinementNetwork(
            new CrnArchitecture { Channels = 20, Height = rows, Width = 2 * rows, ImagesPerLayout = images });
        var named = AuthorsNames.Of(network.Cascade).ToDictionary(variable => variable.Parameter);
        // TensorFlow keeps a convolution as [height, width, inputs, outputs].
        var variables = network.named_parameters().ToDictionary(
            parameter => named[parameter.name].Name,
            parameter => Text(parameter.parameter.shape is [var outputs, var inputs, var height, var width] ? [height, width, inputs, outputs] : parameter.parameter.shape));

        Assert.Equal(parameters, network.ParameterCount);
        Assert.Equal(parameters, network.Architecture.ParameterCount());
        Assert.Equal(Sorted(PublishedVariables(rows, head)), Sorted(variables));
        Assert.Equal(Sorted(variables), Sorted(named.Values.ToDictionary(variable => variable.Name, variable => Text([.. variable.Shape]))));
        foreach (var file in new[] { $"checkpoint-{rows}p.tsv", rows == 256 ? "checkpoint-GTA.tsv" : null }.OfType<string>())
            if (FindOriginal(file) is string listing)
                Assert.Equal(Sorted(VariablesOf(listing)), Sorted(variables));
    }

    [Theory]
    [InlineData("checkpoint-256p.tsv", 256, new long[] { 1, 1, 512, 27 })]
    [InlineData("checkpoint-GTA.tsv", 256, new long[] { 1, 1, 512, 27 })]
    [InlineData("checkpoint-512p.tsv", 512, new long[] { 1, 1, 128, 3 })]
    [InlineData("checkpoint-1024p.tsv", 1024, new long[] { 1, 1, 32, 3 })]
    public void TheTableHereIsThatOfTheRealCheckpoint(string file, int rows, long[] head)
    {
        var listing = FindOriginal(file);
        if (listing is null)
            Assert.Skip($"The listing of the authors' checkpoint, {file}, is not at hand.");

        Assert.Equal(Sorted(VariablesOf(listing)), Sorted(PublishedVariables(rows, head)));
    }

    [Theory]
    [InlineData("g_4.conv1.weight", "g_4_conv1/weights")]
    [InlineData("g_8.conv2.weight", "g_8_conv2/weights")]
    [InlineData("g_16.norm1.weight", "g_16_conv1/LayerNorm/gamma")]
    [InlineData("g_16.norm2.bias", "g_16_conv2/LayerNorm/beta")]
    [InlineData("conv100.weight", "g_16_conv100/weights")]
    [InlineData("conv100.bias", "g_16_conv100/biases")]
    public void EachParameterHasItsVariable(string parameter, string variable)
    {
        var variables = AuthorsNames.Of(new CrnArchitecture { Channels = 3, Height = 16, Width = 32, WidthFactor = 1.0 / 64 });

        Assert.Equal(variable, Assert.Single(variables, candidate => candidate.Parameter == parameter).Name);
    }

    private static Dictionary<string, string> PublishedVariables(int rows, long[] head)
    {
        var variables = new Dictionary<string, string>
        {
            [$"g_{rows}_conv100/weights"] = Text(head),
            [$"g_{rows}_conv100/biases"] = Text([head[3]]),
        };
        foreach (var module in PublishedModules.Where(module => module.Rows <= rows))
        {
            foreach (int convolution in new[] { 1, 2 })
            {
                var name = $"g_{module.Rows}_conv{convolution}";
                variables[$"{name}/weights"] = Text([3, 3, convolution == 1 ? module.Inputs : module.Outputs, module.Outputs]);
                variables[$"{name}/LayerNorm/gamma"] = Text([module.Outputs]);
                variables[$"{name}/LayerNorm/beta"] = Text([module.Outputs]);
            }
        }
        return variables;
    }

    /// <summary>What a checkpoint holds but for the state of the Adam optimizer.</summary>
    private static Dictionary<string, string> VariablesOf(string listing) =>
        File.ReadLines(listing).Skip(1).Select(line => line.Split('\t'))
            .Where(columns => !columns[0].EndsWith("_power") && !columns[0].EndsWith("/Adam") && !columns[0].EndsWith("/Adam_1"))
            .ToDictionary(columns => columns[0], columns => columns[2]);

    private static string[] Sorted(Dictionary<string, string> variables) =>
        [.. variables.Select(variable => $"{variable.Key} {variable.Value}").Order(StringComparer.Ordinal)];

    private static string Text(long[] shape) => $"[{string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";

    private static string? FindOriginal(string file)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "CrnMlNet.sln")))
                continue;
            var path = Path.Combine(folder.FullName, "..", "shared", "data", "crn-original", file);
            return File.Exists(path) ? path : null;
        }
        return null;
    }
}
