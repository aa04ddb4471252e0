using System.Text;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;

namespace CrnMlNet.Tests.Persistence;

/// <summary>A model that is not whole is refused with a FormatException that says what is wrong, somewhere in ML.NET's chain of exceptions.</summary>
public class DamagedModelTests(TrainedModel model)
{
    [Fact]
    public void A_rewritten_model_that_is_whole_loads()
    {
        using var loaded = Load(ModelFile.Rewritten(model.Path));

        using var labels = Samples.Labels(3);
        using var expected = model.Transformer.Synthesize(labels);
        using var photo = loaded.Synthesize(labels);
        Assert.Equal(expected.Pixels(), photo.Pixels());
    }

    [Fact]
    public void The_checksums_are_those_of_sha256sum()
    {
        var files = new Dictionary<string, byte[]>();
        foreach (var name in (string[])[ModelFile.Description, ModelFile.Weights])
            ModelFile.With(model.Path, name, bytes => files[name] = bytes);
        using var zip = System.IO.Compression.ZipFile.OpenRead(model.Path);
        using var reader = new StreamReader(zip.Entries.Single(entry => entry.Name == "SHA256SUMS").Open());

        Assert.Equal(
            $"{Sha256(files[ModelFile.Description])}  Model.json\n{Sha256(files[ModelFile.Weights])}  weights.safetensors\n", reader.ReadToEnd());
    }

    [Fact]
    public void A_model_without_checksums_loads() => Load(ModelFile.With(model.Path, ModelFile.Weights, bytes => bytes)).Dispose();

    [Theory]
    [InlineData(0.02)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void A_file_that_was_cut_off(double share)
    {
        var bytes = File.ReadAllBytes(model.Path);

        AssertRefused(bytes[..(int)(bytes.Length * share)]);
    }

    [Fact]
    public void A_file_that_is_no_model() => AssertRefused(Encoding.UTF8.GetBytes("this is not a model"));

    [Theory]
    [InlineData(0.4)]
    [InlineData(0.999)]
    public void A_weight_that_differs_from_what_was_written(double place)
    {
        var bytes = ModelFile.Rewritten(model.Path);
        long length = 0;
        ModelFile.With(model.Path, ModelFile.Weights, content => { length = content.Length; return content; });
        bytes[ModelFile.BeginOf(bytes, ModelFile.Weights) + (int)(place * length)] ^= 0x10;

        AssertRefused(bytes, "weights.safetensors", "damaged");
    }

    [Fact]
    public void A_description_that_differs_from_what_was_written()
    {
        var bytes = ModelFile.Rewritten(model.Path);
        var begin = ModelFile.BeginOf(bytes, ModelFile.Description);
        var at = begin + bytes.AsSpan(begin).IndexOf("pedestrian"u8);
        bytes[at] = (byte)'q';

        AssertRefused(bytes, "Model.json", "damaged");
    }

    [Fact]
    public void Bytes_that_differ_in_a_compressed_model()
    {
        var whole = File.ReadAllBytes(model.Path);
        var begin = ModelFile.BeginOf(whole, ModelFile.Weights);
        for (var i = 1; i <= 20; i++)
        {
            var bytes = (byte[])whole.Clone();
            bytes[begin + i * 500] ^= 0x04;
            AssertRefused(bytes, "weights.safetensors");
        }
    }

    [Theory]
    [InlineData(ModelFile.Description)]
    [InlineData(ModelFile.Weights)]
    public void An_entry_that_is_missing(string name) => AssertRefused(ModelFile.With(model.Path, name, _ => null), $"no '{name}'");

    [Fact]
    public void Weights_that_were_cut_off() => AssertRefused(ModelFile.With(model.Path, ModelFile.Weights, bytes => bytes[..^1000]), "safetensors");

    [Fact]
    public void Weights_that_are_none() => AssertRefused(ModelFile.With(model.Path, ModelFile.Weights, _ => []), "safetensors");

    [Fact]
    public void Weights_of_other_names()
        => AssertRefused(ModelFile.With(model.Path, ModelFile.Weights, bytes =>
        {
            var at = bytes.AsSpan().IndexOf("conv100.weight"u8);
            bytes[at] = (byte)'k';
            return bytes;
        }), "conv100.weight", "konv100.weight");

    [Fact]
    public void A_description_that_is_no_JSON() => AssertRefused(ModelFile.WithDescription(model.Path, json => json[..^20]), "description is damaged");

    [Fact]
    public void A_description_that_is_null() => AssertRefused(ModelFile.WithDescription(model.Path, _ => "null"), "empty");

    [Fact]
    public void A_later_version() => AssertRefused(Replace("\"version\": 2", "\"version\": 3"), "version 3", "versions 1 and 2");

    [Fact]
    public void Another_format() => AssertRefused(Replace("\"format\": \"CrnMlNet\"", "\"format\": \"Other\""), "'Other'");

    [Fact]
    public void A_palette_that_is_not_the_networks()
        => AssertRefused(Replace("\"channels\": 12", "\"channels\": 13"), "13 channels", "needs 12");

    [Fact]
    public void A_palette_with_a_fault() => AssertRefused(Replace("\"id\": 3", "\"id\": 70000"), "id", "70000");

    [Theory]
    [InlineData("\"height\": 24", "\"height\": 8192")]
    [InlineData("\"width\": 32", "\"width\": 2000000000")]
    [InlineData("\"widthFactor\": 0.015625", "\"widthFactor\": 4")]
    [InlineData("\"imagesPerLayout\": 1", "\"imagesPerLayout\": 64")]
    [InlineData("\"height\": 24", "\"height\": -24")]
    [InlineData("\"height\": 24", "\"height\": 1e99")]
    public void Sizes_that_the_weights_do_not_have_take_no_memory(string was, string now)
    {
        var bytes = Replace(was, now);
        GC.Collect();
        var before = Environment.WorkingSet;

        AssertRefused(bytes);

        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 200L << 20);
    }

    [Theory]
    [InlineData("\"encoding\": \"Index\"", "\"encoding\": \"Rainbow\"")]
    [InlineData("\"encoding\": \"Index\"", "\"encoding\": 7")]
    [InlineData("\"unknown\": \"Error\"", "\"unknown\": null")]
    [InlineData("\"inputColumn\": \"Labels\"", "\"inputColumn\": \"\"")]
    [InlineData("\"inputColumn\": \"Labels\"", "\"inputColumn\": null")]
    [InlineData("\"outputColumn\": \"Synthesized\",", "")]
    public void A_value_that_is_none(string was, string now) => AssertRefused(Replace(was, now), "description");

    [Fact]
    public void A_description_that_is_far_too_long()
        => AssertRefused(ModelFile.WithDescription(model.Path, json => json + new string(' ', 17 << 20)), "Model.json");

    [Fact]
    public void A_model_of_another_kind_loads_as_what_it_is()
    {
        var mlContext = new MLContext();
        var rows = mlContext.Data.LoadFromEnumerable([new Files()]);
        using var stream = new MemoryStream();
        mlContext.Model.Save(mlContext.Transforms.CopyColumns("Copy", "LabelPath").Fit(rows), rows.Schema, stream);
        stream.Position = 0;

        Assert.IsNotType<SynthesizeFromLabelsTransformer>(mlContext.Model.Load(stream, out _), exactMatch: false);
    }

    [Fact]
    public void A_full_disk_is_an_exception()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "This system has no /dev/full.");

        Assert.Throws<IOException>(() =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
            model.MLContext.Model.Save(model.Transformer, null, full);
        });
    }

    private byte[] Replace(string was, string now) => ModelFile.WithDescription(model.Path, json => json.Replace(was, now));

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));

    private static SynthesizeFromLabelsTransformer Load(byte[] bytes)
        => (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(new MemoryStream(bytes), out _);

    private static void AssertRefused(byte[] bytes, params string[] expected)
    {
        var error = Assert.ThrowsAny<Exception>(() => Load(bytes).Dispose());
        var chain = new List<Exception>();
        for (var e = error; e is not null; e = e.InnerException)
            chain.Add(e);
        var format = chain.OfType<FormatException>().FirstOrDefault();
        Assert.True(format is not null, error.ToString());
        var messages = string.Join(" / ", chain.OfType<FormatException>().Select(e => e.Message));
        Assert.All(expected, part => Assert.Contains(part, messages));
    }
}
