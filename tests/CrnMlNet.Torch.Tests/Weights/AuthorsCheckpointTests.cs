using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Tests.Networks;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Weights;

public sealed class AuthorsCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public AuthorsCheckpointTests() => TorchBackend.Start();

    private string Prefix => _folder["model.ckpt"];

    /// <summary>Plain loops in double precision over the variables as TensorFlow keeps them, with nothing of the importer's.</summary>
    [Theory]
    [InlineData(16, 1)]
    [InlineData(16, 9)]
    [InlineData(32, 2)]
    public void AnImportedNetworkPaintsWhatPlainLoopsOverTheVariablesPaint(int rows, int images)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var model = new AuthorsModel(rows, images);
        model.Checkpoint(_ => true).Write(Prefix);
        using var checkpoint = new AuthorsCheckpoint(Prefix);
        using var network = new CascadedRefinementNetwork(checkpoint.Architecture, seed: 9);
        var layout = nn.functional.softmax(3 * randn(1, 20, rows, 2 * rows, generator: generator), 1);

        checkpoint.ReadInto(network);
        var painted = network.forward(layout).to(ScalarType.Float64).contiguous();

        Assert.Equal([1, images, 3, rows, 2 * rows], painted.shape);
        var planes = Paint(model, Parameters.Maps(layout, 0), rows, images);
        double largest = planes.Values.Max(value => Math.Abs((value + 1) / 2 * 255));
        var actual = painted.data<double>().ToArray();
        for (int image = 0, i = 0; image < images; image++)
            for (int colour = 0; colour < 3; colour++)
                for (int y = 0; y < rows; y++)
                    for (int x = 0; x < 2 * rows; x++)
                        Assert.Equal((planes[image + colour * images, y, x] + 1) / 2 * 255, actual[i++], 1e-4 * largest);
    }

    [Theory]
    [InlineData("256p", 256, 9)]
    [InlineData("GTA", 256, 9)]
    [InlineData("512p", 512, 1)]
    [InlineData("1024p", 1024, 1)]
    public void ThePublishedModelsAreToldApartByTheirVariables(string model, int height, int images)
    {
        // The published data files are not at hand: files of their sizes that hold nothing, and take no room, do for what is checked on opening.
        File.Copy(SharedData.Find("crn-original", $"result_{model}", "model.ckpt.index"), Prefix + ".index");
        File.SetAttributes(Prefix + ".index", FileAttributes.Normal);
        using (var data = File.Create(Prefix + ".data-00000-of-00001"))
            data.SetLength(1_300_000_000);

        using var checkpoint = new AuthorsCheckpoint(Prefix);

        Assert.Equal(new CrnArchitecture { Channels = 20, Height = height, Width = 2 * height, ImagesPerLayout = images }, checkpoint.Architecture);
        // Of the modules of 512 and 1024 rows and the head by the published shapes: conv1, conv2 and four numbers a feature.
        long newest = 9 * (532 + 128) * 128 + 4 * 128 + 9 * (148 + 32) * 32 + 4 * 32 + 32 * 3 + 3;
        Assert.Equal(model == "1024p" ? newest : checkpoint.Architecture.ParameterCount(), checkpoint.NumbersWithMoments);
        using var network = new CascadedRefinementNetwork(checkpoint.Architecture with { Height = 16, Width = 32, WidthFactor = 1.0 / 64 });
        Assert.Contains("g_4_conv1/weights", Assert.Throws<FormatException>(() => checkpoint.ReadInto(network)).Message);
    }

    [Theory]
    [InlineData(0.999f, 0)]
    [InlineData(0.998001f, 1)]
    [InlineData(0.05092258f, 2975)] // the published 512p and 1024p ones: an epoch of Cityscapes
    [InlineData(0f, 87_293)] // the published 256p and GTA ones: 0.999^(t + 1), in floats, is below the least normal one
    public void AdamsMomentsComeWithTheStepsOfTheSession(float power, long steps)
    {
        using var scope = NewDisposeScope();
        var model = new AuthorsModel();
        model.Checkpoint(name => name.StartsWith("g_16_", StringComparison.Ordinal), power).Write(Prefix);
        using var checkpoint = new AuthorsCheckpoint(Prefix);
        long bytes = 0;

        using var adam = checkpoint.ReadAdam(read => bytes += read)!;

        Assert.Equal(["conv100.bias", "conv100.weight", "g_16.conv1.weight", "g_16.conv2.weight", "g_16.norm1.bias", "g_16.norm1.weight", "g_16.norm2.bias", "g_16.norm2.weight"], adam.Moments.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(2 * sizeof(float) * checkpoint.NumbersWithMoments, bytes);
        Assert.All(adam.Moments.Values, moments => Assert.InRange(moments.Steps, steps, steps + (steps > 3000 ? 1 : 0)));
        var gamma = adam.Moments["g_16.norm1.weight"];
        Assert.Equal(model.Moments("g_16_conv1/LayerNorm/gamma").Mean, gamma.Mean.data<float>());
        Assert.Equal(model.Moments("g_16_conv1/LayerNorm/gamma").Square, gamma.Square.data<float>());
        // Turned like the weights: a hundredth of them.
        var convolution = adam.Moments["g_16.conv2.weight"];
        Assert.Equal([16, 16, 3, 3], convolution.Mean.shape);
        Assert.Equal(model.Turned("g_16_conv2/weights").Select(value => (float)(0.01f * (float)value)), convolution.Mean.contiguous().data<float>());
    }

    [Fact]
    public void ACheckpointWithoutMomentsHasNone()
    {
        new AuthorsModel().Checkpoint().Write(Prefix);
        using var checkpoint = new AuthorsCheckpoint(Prefix);

        Assert.Equal(0, checkpoint.NumbersWithMoments);
        Assert.Null(checkpoint.ReadAdam());
    }

    [Fact]
    public void APowerThatIsNoneIsRefused()
    {
        foreach (float power in new[] { 0.9991f, 1, -0.5f, float.NaN })
        {
            new AuthorsModel().Checkpoint(_ => true, power).Write(Prefix);
            using var checkpoint = new AuthorsCheckpoint(Prefix);
            Assert.Contains("'beta2_power' is ", Assert.Throws<FormatException>(() => checkpoint.ReadAdam()).Message);
        }
    }

    [Fact]
    public void WhatIsNoCascadedRefinementNetworkIsRefusedWithVariableAndShape()
    {
        Assert.Contains("no variable 'g_4_conv1/weights'; its first one is 'conv/kernel' [3, 3, 3, 8]", Refused(new CheckpointWriter().Add("conv/kernel", [3, 3, 3, 8], new float[216])));
        Assert.Contains("no variable 'g_4_conv1/weights'.", Refused(new CheckpointWriter()));
        Assert.Contains("'g_4_conv1/weights' [5, 5, 2, 8] is no convolution of 3x3", Refused(Whole().Add("g_4_conv1/weights", [5, 5, 2, 8], new float[400])));
        Assert.Contains("'g_16_conv100/weights' [1, 1, 16, 4] is no convolution of 1x1 to images", Refused(Whole().Add("g_16_conv100/weights", [1, 1, 16, 4], new float[64])));
        Assert.Contains("'g_8_conv2/weights' [3, 3, 16, 8] is [3, 3, 16, 16] in a network whose 'g_4_conv1/weights' is [3, 3, 20, 16]", Refused(Whole().Add("g_8_conv2/weights", [3, 3, 16, 8], new float[9 * 128])));
        Assert.Contains("'g_4_conv1/weights' [3, 3, 20, 20] is [3, 3, 20, 16]", Refused(Whole().Add("g_4_conv1/weights", [3, 3, 20, 20], new float[3600])));
        Assert.Contains("'g_4_conv1/weights' [3, 3, 20, 8] and 'g_16_conv100/weights' [1, 1, 16, 3] would make one that there cannot be: The width factor", Refused(Whole().Add("g_4_conv1/weights", [3, 3, 20, 8], new float[1440])));
        Assert.Contains("'g_8_conv1/LayerNorm/beta' [16] is of type Float64", Refused(Whole().Add("g_8_conv1/LayerNorm/beta", 2, [16], new byte[128])));
        Assert.Contains("lacks the variable 'g_8_conv1/LayerNorm/gamma'", Refused(Whole().Remove("g_8_conv1/LayerNorm/gamma")));
        Assert.Contains("lacks the variable 'g_16_conv100/weights'", Refused(Whole().Remove("g_16_conv100/weights")));
        Assert.Contains("a module g_16, and none of 8 rows", Refused(Whole().Remove("g_8_conv1/weights")));
        Assert.Contains("a module g_12, and none of 8 rows", Refused(Whole().Remove("g_8_conv1/weights").Add("g_12_conv1/weights", [1], [0])));
        Assert.Contains("lacks the variable 'g_4_conv1/weights/Adam_1'", Refused(Whole().Remove("g_4_conv1/weights/Adam_1")));
        Assert.Contains("lacks the variable 'g_4_conv1/weights/Adam'", Refused(Whole().Remove("g_4_conv1/weights/Adam")));
        Assert.Contains("lacks the variable 'beta2_power'", Refused(Whole().Remove("beta2_power")));
        Assert.Contains("'beta1_power' [2] is []", Refused(Whole().Add("beta1_power", [2], [0, 0])));
        Assert.Contains("has the variable 'encoder/weights' [1] besides", Refused(Whole().Add("encoder/weights", [1], [0])));

        static CheckpointWriter Whole() => new AuthorsModel().Checkpoint(_ => true);

        string Refused(CheckpointWriter writer)
        {
            writer.Write(Prefix);
            var message = Assert.Throws<FormatException>(() => new AuthorsCheckpoint(Prefix)).Message;
            Assert.Contains($"'{Prefix}'", message);
            return message;
        }
    }

    /// <summary>Variables that are others than the network's, in an index that is whole: two entries damaged, or changed for each other, or lost.</summary>
    [Fact]
    public void TenThousandDamagedSetsOfVariablesEndInSuccessOrOneError()
    {
        var writer = new AuthorsModel(images: 2).Checkpoint(_ => true);
        writer.Write(Prefix);
        var entries = writer.Entries();
        var fuzz = new Fuzz { IsAllowed = e => e is FormatException or IOException, MostAllocated = 4 << 20 };

        fuzz.Run(0, 10_000, (_, random) =>
        {
            var damaged = entries.ToList();
            int first = random.Next(1, damaged.Count), second = random.Next(1, damaged.Count);
            switch (random.Next(4))
            {
                case 0:
                    (damaged[first], damaged[second]) = ((damaged[first].Key, damaged[second].Value), (damaged[second].Key, damaged[first].Value));
                    break;
                case 1:
                    damaged.RemoveAt(first);
                    break;
                default:
                    damaged[first] = (damaged[first].Key, Damage.Any(damaged[first].Value, random));
                    damaged[second] = (damaged[second].Key, Damage.Any(damaged[second].Value, random));
                    break;
            }
            File.WriteAllBytes(Prefix + ".index", CheckpointWriter.Table(damaged));
            new AuthorsCheckpoint(Prefix).Dispose();
        });

        Assert.True(fuzz.Outcomes[nameof(FormatException)] > 5_000, string.Join(", ", fuzz.Outcomes));
        Assert.True(fuzz.Outcomes["success"] > 100, string.Join(", ", fuzz.Outcomes));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The authors' <c>recursive_generator</c> (demo_256p.py) up to the head's planes.</summary>
    private static Maps Paint(AuthorsModel model, Maps layout, int rows, int images)
    {
        Maps? features = null;
        for (int size = 4; size <= rows; size *= 2)
            features = Maps.Refine(features, layout.AreaAverage(rows / size), name => Parameter($"g_{size}_", name), model[$"g_{size}_conv1/LayerNorm/beta"].Length);
        return features!.Convolve(model.Turned($"g_{rows}_conv100/weights"), Doubles($"g_{rows}_conv100/biases"), 3 * images, 1);

        double[] Parameter(string module, string name) => name switch
        {
            "conv1.weight" or "conv2.weight" => model.Turned($"{module}{name[..5]}/weights"),
            _ => Doubles($"{module}conv{name[4]}/LayerNorm/{(name.EndsWith("weight", StringComparison.Ordinal) ? "gamma" : "beta")}"),
        };

        double[] Doubles(string name) => [.. model[name].Select(value => (double)value)];
    }
}
